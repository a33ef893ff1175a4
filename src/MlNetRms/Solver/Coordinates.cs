using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>The coordinates in which the weights of the dense columns are stepped, and what is known from the covariance of the columns.</summary>
internal sealed class Coordinates
{
    /// <param name="settings">All settings.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="l2">λ as it takes effect.</param>
    /// <param name="previous">The training that is continued, or null.</param>
    /// <param name="cancellation">Ends the passes over the rows.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Coordinates(TrainingSettings settings, TrainingRows rows, float l2, TrainingState? previous, CancellationToken cancellation)
    {
        Scaling scaling = rows.Scaling;
        int denseCount = rows.Layout.DenseCount;
        WhitenedDirections wanted = Decisions.Whitening(settings.Decorrelate, settings.Penalties, scaling.IsOn, scaling.ScalesByRoot, denseCount);
        bool needsCovariance = wanted == WhitenedDirections.All || (scaling.IsOn && Decisions.HasFewColumns(denseCount));
        Covariance? covariance = needsCovariance
            ? Covariance.Compute(rows.Training, cancellation, isSampleEnough: wanted == WhitenedDirections.None) : null;
        LeadingDirections? leading = wanted == WhitenedDirections.Leading ? LeadingDirections.Find(rows.Training, cancellation) : null;

        AreThoseOfBefore = previous is not null && !scaling.HasNewUnits
            && previous.Parameters.Whitening?.Fits(covariance, leading, cancellation) != false;
        if (AreThoseOfBefore)
            Whitening = previous!.Parameters.Whitening;
        // It is computed even if nothing is whitened, because its condition number shows what that costs.
        Whitening? ofThese = covariance is null || WhiteningOfAll is not null ? null : new Whitening(covariance, l2, cancellation);
        if (!AreThoseOfBefore)
            Whitening = leading is not null ? new Whitening(leading) : wanted == WhitenedDirections.All ? ofThese : null;
        ConditionNumber = WhiteningOfAll?.ConditionNumber ?? ofThese?.ConditionNumber;
        double denseNorm = scaling.RowNorm - scaling.SparseRowNorm;
        RowNorm = scaling.SparseRowNorm + (Whitening?.RowNorm(denseNorm) ?? denseNorm);
    }

    /// <summary>Whether the state of the previous training still holds: its units and its coordinates fit these rows.</summary>
    public bool AreThoseOfBefore { get; }

    /// <summary>Converts the coordinates to the weights of the dense columns; null if they are the same.</summary>
    public Whitening? Whitening { get; }

    /// <summary>The same if all directions of the dense columns are whitened, else null.</summary>
    public Whitening? WhiteningOfAll => Whitening is { IsOfAllDirections: true } ? Whitening : null;

    /// <summary>Condition number of the dense columns; null if unknown.</summary>
    public double? ConditionNumber { get; }

    /// <summary>Mean squared length of a row in these coordinates, sparse columns included.</summary>
    public double RowNorm { get; }
}
