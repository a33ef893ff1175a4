using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>In which coordinates the weights of the dense columns are stepped, and what the covariance of the columns says.</summary>
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
        // Products of enormous values overflow; training then diverges, with an error that names the cause.
        if (covariance is { IsFinite: false })
            covariance = null;
        LeadingDirections? leading = wanted == WhitenedDirections.Leading ? LeadingDirections.Of(rows.Training, cancellation) : null;

        AreThoseOfBefore = previous is not null && !scaling.HasNewUnits && previous.Parameters.Transform switch
        {
            Decorrelation directions => covariance is not null && directions.Fits(covariance, cancellation),
            LeadingDecorrelation directions => directions.Fits(leading),
            _ => true,
        };
        Decorrelation? all = null;
        if (AreThoseOfBefore)
            Transform = previous!.Parameters.Transform;
        else if (leading is not null)
            Transform = new LeadingDecorrelation(leading);
        else if (covariance is not null && wanted == WhitenedDirections.All)
            Transform = all = new Decorrelation(covariance, l2, cancellation);
        ConditionNumber = covariance is null ? null : Decorrelation?.ConditionNumber ?? new Decorrelation(covariance, l2, cancellation).ConditionNumber;
        double denseNorm = scaling.RowNorm - scaling.SparseRowNorm;
        RowNorm = scaling.SparseRowNorm + (Transform?.Energy(denseNorm) ?? denseNorm);
    }

    /// <summary>Whether the state of the previous training holds in them: its units and its coordinates fit these rows.</summary>
    public bool AreThoseOfBefore { get; }

    /// <summary>From the coordinates to the weights of the dense columns; null if they are the same.</summary>
    public IWeightTransform? Transform { get; }

    /// <summary>The same if all dense columns are whitened, else null.</summary>
    public Decorrelation? Decorrelation => Transform as Decorrelation;

    /// <summary>Condition number of the dense columns; null if it is not known.</summary>
    public double? ConditionNumber { get; }

    /// <summary>Mean squared length of a row in these coordinates, sparse columns included.</summary>
    public double RowNorm { get; }
}
