using MlNetRms.Data;
using MlNetRms.Model;
using MlNetRms.Settings;

namespace MlNetRms.Training;

/// <summary>
/// In which coordinates the weights of the dense columns are stepped, and what the columns' covariance says: decorrelated where that is wanted
/// or affordable, with the leading directions scaled where there are more columns, as they are otherwise.
/// </summary>
internal sealed class Coordinates
{
    /// <summary>
    /// Most dense columns that are decorrelated. The eigenvectors take 0.1 s for 320 columns, 0.6 s for 512, 1.2 s for 768 and 3.9 s for 1024,
    /// whatever the number of rows, and a training of 20 000 rows 0.1 to 0.2 s without them; but at correlation 0.5 of all pairs an excess
    /// of 0.001 % becomes 0.08 % with 512, and far more where the condition is worse. Of more columns only the leading directions are scaled.
    /// </summary>
    private const int MostDecorrelated = 512;

    /// <param name="settings">All settings.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="l2">λ as it takes effect.</param>
    /// <param name="previous">The training that is continued, or null.</param>
    /// <param name="cancellation">Ends the passes over the rows.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Coordinates(TrainingSettings settings, TrainingRows rows, float l2, TrainingState? previous, CancellationToken cancellation)
    {
        bool areFew = rows.Layout.DenseCount is > 1 and <= MostDecorrelated;
        bool decorrelates = settings.Decorrelate ?? (areFew && !settings.Penalties.NeedsWeights);
        bool scales = settings.Decorrelate is null && !settings.Penalties.NeedsWeights && rows.Layout.DenseCount > MostDecorrelated;
        DenseCovariance? covariance = rows.Scaling.IsOn && rows.Layout.DenseCount > 0 && (areFew || decorrelates)
            ? DenseCovariance.Of(rows.Training, cancellation, isSampleEnough: !decorrelates) : null;
        LeadingDirections? leading = scales && rows.Scaling is { IsOn: true, IsPareto: false }
            ? LeadingDirections.Of(rows.Training, cancellation) : null;

        AreThoseOfBefore = previous is not null && !rows.Scaling.HasNewUnits && previous.Parameters.Transform switch
        {
            Decorrelation directions => covariance is not null && directions.Fits(covariance, cancellation),
            LeadingDecorrelation directions => directions.Fits(leading),
            _ => true,
        };
        if (AreThoseOfBefore)
            Transform = previous!.Parameters.Transform;
        else if (leading is not null)
            Transform = new LeadingDecorrelation(leading);
        else if (decorrelates && covariance is not null)
            Transform = new Decorrelation(covariance, l2, cancellation);
        ConditionNumber = covariance is null ? null : Decorrelation?.ConditionNumber ?? Model.ConditionNumber.Estimate(covariance);
        double denseEnergy = rows.Scaling.Energy - rows.Scaling.SparseEnergy;
        Energy = rows.Scaling.SparseEnergy + (Transform?.Energy(denseEnergy) ?? denseEnergy);
    }

    /// <summary>Whether the state of the previous training holds in them: its units and its coordinates fit these rows.</summary>
    public bool AreThoseOfBefore { get; }

    /// <summary>From the coordinates to the weights of the dense columns; null where they are the same.</summary>
    public IWeightTransform? Transform { get; }

    /// <summary>The same where all dense columns are decorrelated, else null.</summary>
    public Decorrelation? Decorrelation => Transform as Decorrelation;

    /// <summary>Condition number of the dense columns; null where it is not known.</summary>
    public double? ConditionNumber { get; }

    /// <summary>Mean squared length of a row, sparse columns included.</summary>
    public double Energy { get; }
}
