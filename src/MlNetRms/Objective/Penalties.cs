using MlNetRms.Kernels;
using MlNetRms.Model;
using MlNetRms.Settings;

namespace MlNetRms.Objective;

/// <summary>
/// What acts on the weights besides the loss: the L2 penalty and clipping on the gradient before a step, the L1 penalty and the
/// bound on the weights after it. Never on the bias.
/// </summary>
internal sealed class Penalties
{
    private readonly PenaltySettings _settings;
    private readonly float _l2;
    private readonly ParameterLayout _layout;
    private readonly float[]? _penalty;
    private readonly float[]? _lower;

    /// <param name="settings">L1, the bound and clipping.</param>
    /// <param name="l2">λ as it takes effect.</param>
    /// <param name="layout">The order of the parameters.</param>
    public Penalties(PenaltySettings settings, float l2, ParameterLayout layout)
    {
        _settings = settings;
        _l2 = l2;
        _layout = layout;
        if (settings is { L1: 0, NonNegativeWeights: false })
            return;
        _penalty = new float[layout.Length];
        _lower = new float[layout.Length];
        Array.Fill(_lower, float.NegativeInfinity);
        foreach (Range weights in layout.Weights)
        {
            _penalty.AsSpan(weights).Fill(settings.L1);
            if (settings.NonNegativeWeights)
                _lower.AsSpan(weights).Clear();
        }
    }

    /// <summary>Adds λ·w to a mean gradient, then shortens the gradient to the largest norm.</summary>
    public void ApplyBefore(Span<float> gradient, ReadOnlySpan<float> parameters)
    {
        if (_l2 > 0)
        {
            foreach (Range weights in _layout.Weights)
                LinearKernels.AddScaled(gradient[weights], _l2, parameters[weights]);
        }
        if (_settings.GradientClippingNorm is { } limit)
            Clip(gradient, limit);
    }

    /// <summary>Shrinks the weights towards 0 and clamps them to the bound.</summary>
    public void ApplyAfter(Parameters parameters, float learningRate)
    {
        if (_penalty is not null)
            parameters.StepProximal(_penalty, _lower, learningRate);
    }

    private static void Clip(Span<float> gradient, float limit)
    {
        float norm = MathF.Sqrt(LinearKernels.SumOfSquares(gradient));
        // Squares overflow long before the gradient does, and limit / ∞ would make it 0: training would silently stall.
        if (float.IsInfinity(norm))
            norm = LongNorm(gradient);
        if (norm > limit)
            LinearKernels.Scale(gradient, limit / norm);
    }

    private static float LongNorm(ReadOnlySpan<float> gradient)
    {
        double squares = 0;
        foreach (float g in gradient)
            squares += (double)g * g;
        return (float)Math.Sqrt(squares);
    }
}
