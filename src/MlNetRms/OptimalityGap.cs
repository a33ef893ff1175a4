namespace MlNetRms;

/// <summary>How far a returned model is from the optimum on its training rows, measured after training.</summary>
public sealed class OptimalityGap
{
    internal OptimalityGap(double share, bool isExact, bool isSquared) => (Share, IsExact, IsShareOfRmse) = (share, isExact, isSquared);

    /// <summary>
    /// By how much RMSE on the training rows exceeds the least that a linear model can have, as a share of that: 0.01 is 1 % more. With penalties it
    /// is the root of the whole objective, half the mean squared residual plus the penalties, instead of RMSE; for another loss than the squared one,
    /// the objective itself.
    /// </summary>
    public double Share { get; }

    /// <summary>Whether <see cref="Share"/> is exact up to rounding. Otherwise it is an estimate.</summary>
    /// <remarks>
    /// It is exact for the squared loss where the covariance of all rows is known. Elsewhere it is a lower bound, from a few steps of conjugate
    /// gradients over the rows; with an L1 penalty it is an upper bound, the duality gap.
    /// </remarks>
    public bool IsExact { get; }

    /// <summary>Whether <see cref="Share"/> is of a root of the objective, not of the objective itself.</summary>
    internal bool IsShareOfRmse { get; }

    /// <summary>The gap in per cent, invariant culture.</summary>
    /// <returns>For example "0.0003 % above the least RMSE".</returns>
    public override string ToString() => FormattableString.Invariant($"{(IsExact ? "" : "about ")}{100 * Share:g2} % above the least ") +
        (IsShareOfRmse ? "RMSE" : "loss");
}

/// <summary>How the algorithm got to its result.</summary>
public sealed class TrainingDiagnostics
{
    internal TrainingDiagnostics(double gradientNorm, double tolerance, int numberOfRounds) =>
        (GradientNorm, Tolerance, NumberOfRounds) = (gradientNorm, tolerance, numberOfRounds);

    /// <summary>
    /// Euclidean norm of the objective's gradient at the returned weights over all training rows, in the units of training; weights at a bound do not
    /// count.
    /// </summary>
    public double GradientNorm { get; }

    /// <summary>The <see cref="OptimalityGap.Share"/> at which training ends, as it took effect.</summary>
    public double Tolerance { get; }

    /// <summary>
    /// Rounds of training. Each round begins at the weights of the one before; it is longer, begins at a lower learning rate, or steps in better
    /// coordinates.
    /// </summary>
    public int NumberOfRounds { get; }

    /// <summary>All of it in a line, invariant culture.</summary>
    /// <returns>For example "2 rounds, gradient norm 1.2e-05, tolerance 2e-06".</returns>
    public override string ToString() =>
        FormattableString.Invariant($"{NumberOfRounds} rounds, gradient norm {GradientNorm:g3}, tolerance {Tolerance:g3}");
}
