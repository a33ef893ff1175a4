namespace MlNetRms.Rules;

/// <summary>How parameters change by a gradient. The rule itself is immutable; what it remembers is in a <see cref="RuleState"/>.</summary>
internal interface IUpdateRule
{
    /// <summary>What the rule keeps for each parameter.</summary>
    IReadOnlyList<string> StateNames { get; }

    /// <summary>Takes one step: changes <paramref name="parameters"/> and <paramref name="state"/> in place.</summary>
    /// <param name="parameters">The point.</param>
    /// <param name="state">Of as many parameters.</param>
    /// <param name="gradient">The gradient at that point; the same length.</param>
    /// <param name="learningRate">η of this step.</param>
    void Step(Span<float> parameters, RuleState state, ReadOnlySpan<float> gradient, float learningRate);

    /// <summary>
    /// Shrinks the parameters towards 0 by an L1 penalty, in the metric of the step just taken, and clamps them to a lower bound.
    /// </summary>
    /// <param name="parameters">The point, changed in place.</param>
    /// <param name="state">As <see cref="Step"/> left it.</param>
    /// <param name="penalty">λ₁ of each parameter.</param>
    /// <param name="lower">Least value of each parameter.</param>
    /// <param name="learningRate">As for the step before.</param>
    void Proximal(Span<float> parameters, RuleState state, ReadOnlySpan<float> penalty, ReadOnlySpan<float> lower, float learningRate);
}
