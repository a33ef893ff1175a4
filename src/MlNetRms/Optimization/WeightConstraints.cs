using MlNetRms.Examples;
using MlNetRms.Kernels;

namespace MlNetRms.Optimization;

/// <summary>What is done to the weights after each step: an L1 penalty draws them to 0, a bound cuts them off. Never to the bias.</summary>
internal sealed class WeightConstraints
{
    private readonly float[] _penalty;
    private readonly float[] _lower;

    private WeightConstraints(RmsPropRegressionTrainer.Options options, ExampleStore examples, int parameterCount)
    {
        _penalty = new float[parameterCount];
        _lower = new float[parameterCount];
        Array.Fill(_lower, float.NegativeInfinity);
        foreach (Range weights in new[] { ..examples.DenseCount, examples.Stride.. })
        {
            _penalty.AsSpan(weights).Fill(options.L1Regularization);
            if (options.NonNegativeWeights)
                _lower.AsSpan(weights).Clear();
        }
        IsSparsifying = options.L1Regularization > 0;
    }

    /// <summary>Whether weights are to be exactly 0 where the penalty wins.</summary>
    public bool IsSparsifying { get; }

    /// <summary>Null if the options ask for nothing of the kind.</summary>
    public static WeightConstraints? Of(RmsPropRegressionTrainer.Options options, ExampleStore examples, int parameterCount) =>
        options.L1Regularization > 0 || options.NonNegativeWeights ? new(options, examples, parameterCount) : null;

    public void Apply(RmsProp optimizer, Span<float> parameters, in StepCoefficients step) =>
        optimizer.ApplyProximal(parameters, _penalty, _lower, step);
}
