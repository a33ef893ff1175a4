using System.Runtime.CompilerServices;
using MlNetRms.Kernels;

namespace MlNetRms.Optimization;

/// <summary>
/// RMSProp for many weights of which a mini-batch touches few: a step costs what the batch holds, not what there is.
/// </summary>
/// <remarks>
/// <para>
/// While a weight's gradient is 0, its means only shrink, k steps at once by αᵏ, and without momentum the weight rests. So
/// the means are brought up to date when the weight is next touched, and the running sum of the weights likewise. In
/// real arithmetic this is <see cref="RmsProp"/>, step by step; it is not skipping the decay, which would be another
/// algorithm.
/// </para>
/// <para>
/// Momentum keeps a weight moving without a gradient, L2 gives every weight one in every step, L1 and bounds act on every
/// weight, and clipping needs the whole gradient: none of them can go this way.
/// </para>
/// </remarks>
internal sealed class SparseRmsProp
{
    private const int PowerCount = 1024;
    private readonly float _alpha;
    private readonly bool _centered;
    private readonly long _firstAveragedStep;
    private readonly float[] _powers = new float[PowerCount];
    private readonly float[] _weights;
    private readonly Coordinate[] _coordinates;
    private readonly float[] _meanGradients;
    private readonly double[] _sums;
    private readonly int[] _touched;
    private int _touchedCount;
    private long _step;

    /// <param name="weights">First weights.</param>
    /// <param name="state">The state to go on from, or null; these weights' part of it begins at <paramref name="offset"/>.</param>
    /// <param name="offset">See <paramref name="state"/>.</param>
    /// <param name="options">α and the form of the rule; must be such as <see cref="Allows"/> allows.</param>
    /// <param name="firstAveragedStep">The first step, counted from 0, whose weights count in <see cref="Average"/>.</param>
    public SparseRmsProp(ReadOnlySpan<float> weights, RmsPropState? state, int offset, RmsPropRegressionTrainer.Options options,
        long firstAveragedStep)
    {
        _alpha = options.Alpha;
        _centered = options.Centered;
        _firstAveragedStep = firstAveragedStep;
        for (int k = 0; k < PowerCount; k++)
            _powers[k] = (float)Math.Pow(_alpha, k);
        _weights = weights.ToArray();
        _coordinates = new Coordinate[weights.Length];
        _meanGradients = new float[_centered ? weights.Length : 0];
        for (int i = 0; i < weights.Length; i++)
        {
            _coordinates[i].MeanSquare = state?.MeanSquare[offset + i] ?? 0;
            if (_centered)
                _meanGradients[i] = state?.MeanGradient?[offset + i] ?? 0;
        }
        _sums = new double[weights.Length];
        _touched = new int[weights.Length];
    }

    /// <summary>Whether these options allow it: nothing may act on a weight that the batch does not touch.</summary>
    public static bool Allows(RmsPropRegressionTrainer.Options options) =>
        options is { Momentum: 0, L2Regularization: 0, L1Regularization: 0, NonNegativeWeights: false, GradientClippingNorm: null };

    public bool IsFinite => MomentKernels.AllFinite(_weights) && Array.TrueForAll(_coordinates, c => float.IsFinite(c.MeanSquare));

    /// <summary>Σ valueₖ · weight[placeₖ].</summary>
    public float Dot(ReadOnlySpan<int> places, ReadOnlySpan<float> values) => SparseKernels.Dot(places, values, _weights);

    /// <summary>Adds factor · valueₖ to the gradient of weight placeₖ in the coming step.</summary>
    public void AddGradient(ReadOnlySpan<int> places, ReadOnlySpan<float> values, float factor)
    {
        for (int k = 0; k < places.Length; k++)
        {
            ref Coordinate coordinate = ref _coordinates[places[k]];
            if (coordinate.Step >= 0)
            {
                coordinate.Step = ~coordinate.Step;
                _touched[_touchedCount++] = places[k];
            }
            coordinate.Gradient += factor * values[k];
        }
    }

    /// <summary>Takes one step with the gradient added up so far, times <paramref name="gradientFactor"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Step(in StepCoefficients step, float gradientFactor)
    {
        _step++;
        bool averaging = _step - 1 > _firstAveragedStep;
        foreach (int place in _touched.AsSpan(0, _touchedCount))
        {
            ref Coordinate c = ref _coordinates[place];
            long lastStep = ~c.Step;
            float decay = Power(_step - lastStep);
            float g = c.Gradient * gradientFactor;
            c.MeanSquare = decay * c.MeanSquare + (1 - _alpha) * g * g;
            float meanSquare = c.MeanSquare * step.Correction;
            if (_centered)
            {
                _meanGradients[place] = decay * _meanGradients[place] + (1 - _alpha) * g;
                float mean = _meanGradients[place] * step.Correction;
                meanSquare = MathF.Max(meanSquare - mean * mean, 0);
            }
            if (averaging)
                _sums[place] += (double)_weights[place] * RestingSteps(lastStep, _step - 1);
            _weights[place] -= step.LearningRate * (g / (MathF.Sqrt(meanSquare + step.EpsilonInside) + step.EpsilonOutside));
            c.Step = _step;
            c.Gradient = 0;
        }
        _touchedCount = 0;
    }

    /// <summary>Mean of each weight over the steps from the first averaged one on; the last weights if there is none.</summary>
    public double[] Average()
    {
        var average = new double[_weights.Length];
        long count = _step - _firstAveragedStep;
        for (int i = 0; i < average.Length; i++)
        {
            double rest = (double)_weights[i] * RestingSteps(_coordinates[i].Step, _step);
            average[i] = count > 0 ? (_sums[i] + rest) / count : _weights[i];
        }
        return average;
    }

    /// <summary>The weights, and the means brought up to date.</summary>
    public (float[] Weights, RmsPropState State) Save()
    {
        float[] meanSquare = Array.ConvertAll(_coordinates, c => c.MeanSquare * Power(_step - c.Step));
        float[] meanGradient = [.. _meanGradients.Select((mean, i) => mean * Power(_step - _coordinates[i].Step))];
        return ([.. _weights], new RmsPropState(meanSquare, new float[_weights.Length], meanGradient, StepCount: 0, AlphaPower: 0));
    }

    /// <summary>How many of the averaged steps ended with the weight that was set in one step and is left after another.</summary>
    private long RestingSteps(long set, long last) => Math.Max(last - Math.Max(set - 1, _firstAveragedStep), 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private float Power(long k) => k < PowerCount ? _powers[k] : (float)Math.Pow(_alpha, k);

    /// <summary>What a touch of a weight needs besides the weight, side by side in memory: a random access costs one cache line.</summary>
    private struct Coordinate
    {
        public float Gradient;
        public float MeanSquare;

        /// <summary>The last step that touched it, or the complement (~) of that once the coming step does.</summary>
        public long Step;
    }
}
