using System.Runtime.CompilerServices;
using MlNetRms.Kernels;

namespace MlNetRms.Optimization;

/// <summary>
/// RMSProp for many weights of which a mini-batch touches few: a step costs what the batch holds, not what there is.
/// </summary>
/// <remarks>
/// <para>
/// While a weight's gradient is 0, its means only shrink, k steps at once by αᵏ, and the weight rests, or with momentum and
/// a constant rate drifts by a geometric series: v ← μᵏ·v, w ← w − η·v·μ·(1−μᵏ)/(1−μ). So all of it is brought up to date
/// when the weight is next needed, and the running sum of the weights likewise. In real arithmetic this is
/// <see cref="RmsProp"/>, step by step; it is not skipping the decay, which would be another algorithm.
/// </para>
/// <para>
/// With a rate that changes momentum has no such form, L2 gives every weight a gradient in every step, L1 and bounds act on
/// every weight, and clipping needs the whole gradient: none of them can go this way.
/// </para>
/// </remarks>
internal sealed class SparseRmsProp
{
    private const int PowerCount = 1024;
    private readonly float _alpha;
    private readonly bool _centered;
    private readonly long _firstAveragedStep;
    private readonly float[] _powers;
    private readonly float _momentum;
    private readonly float[] _momentumPowers;
    private readonly float _learningRate;
    private readonly float[] _weights;
    private readonly Coordinate[] _coordinates;
    private readonly float[] _meanGradients;
    private readonly float[] _velocities;
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
        _powers = Powers(_alpha);
        _momentum = options.Momentum;
        _momentumPowers = Powers(_momentum);
        _learningRate = options.LearningRate;
        _weights = weights.ToArray();
        _coordinates = new Coordinate[weights.Length];
        _meanGradients = new float[_centered ? weights.Length : 0];
        _velocities = new float[_momentum > 0 ? weights.Length : 0];
        for (int i = 0; i < weights.Length; i++)
        {
            _coordinates[i].MeanSquare = state?.MeanSquare[offset + i] ?? 0;
            if (_centered)
                _meanGradients[i] = state?.MeanGradient?[offset + i] ?? 0;
            if (_momentum > 0)
                _velocities[i] = state?.Velocity[offset + i] ?? 0;
        }
        _sums = new double[weights.Length];
        _touched = new int[weights.Length];
    }

    /// <summary>Whether these options allow it: nothing may act on a weight that the batch does not touch.</summary>
    public static bool Allows(RmsPropRegressionTrainer.Options options) =>
        options is { L2Regularization: 0, L1Regularization: 0, NonNegativeWeights: false, GradientClippingNorm: null }
        && (options.Momentum == 0 || options.LearningRateSchedule == LearningRateSchedule.Constant);

    public bool IsFinite => MomentKernels.AllFinite(_weights) && Array.TrueForAll(_coordinates, c => float.IsFinite(c.MeanSquare));

    /// <summary>Σ valueₖ · weight[placeₖ].</summary>
    public float Dot(ReadOnlySpan<int> places, ReadOnlySpan<float> values)
    {
        if (_momentum > 0)
            BringUpToDate(places);
        return SparseKernels.Dot(places, values, _weights);
    }

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
        foreach (int place in _touched.AsSpan(0, _touchedCount))
        {
            ref Coordinate c = ref _coordinates[place];
            c.Step = ~c.Step;
            float decay = Power(_powers, _alpha, _step + 1 - c.Step);
            float g = c.Gradient * gradientFactor;
            c.MeanSquare = decay * c.MeanSquare + (1 - _alpha) * g * g;
            float meanSquare = c.MeanSquare * step.Correction;
            if (_centered)
            {
                _meanGradients[place] = decay * _meanGradients[place] + (1 - _alpha) * g;
                float mean = _meanGradients[place] * step.Correction;
                meanSquare = MathF.Max(meanSquare - mean * mean, 0);
            }
            if (_step > _firstAveragedStep)
                _sums[place] += SumOfRest(place, _step + 1);
            float velocity = g / (MathF.Sqrt(meanSquare + step.EpsilonInside) + step.EpsilonOutside);
            if (_momentum > 0)
            {
                Rest(place, _step);
                velocity += _momentum * _velocities[place];
                _velocities[place] = velocity;
            }
            _weights[place] -= step.LearningRate * velocity;
            c.Step = _step + 1;
            c.Gradient = 0;
        }
        _touchedCount = 0;
        _step++;
    }

    /// <summary>Mean of each weight over the steps from the first averaged one on; the last weights if there is none.</summary>
    public double[] Average()
    {
        long count = _step - _firstAveragedStep;
        var average = new double[_weights.Length];
        for (int place = 0; place < average.Length; place++)
            average[place] = count > 0 ? (_sums[place] + SumOfRest(place, _step + 1)) / count : Rested(place, _step).Weight;
        return average;
    }

    /// <summary>The weights and all that is kept for them, brought up to date.</summary>
    public (float[] Weights, RmsPropState State) Save()
    {
        float[] weights = [.. _weights.Select((_, place) => Rested(place, _step).Weight)];
        float[] velocity = [.. _weights.Select((_, place) => Rested(place, _step).Velocity)];
        float[] meanSquare = Array.ConvertAll(_coordinates, c => c.MeanSquare * Power(_powers, _alpha, _step - c.Step));
        float[] meanGradient = [.. _meanGradients.Select((mean, place) => mean * Power(_powers, _alpha, _step - _coordinates[place].Step))];
        return (weights, new RmsPropState(meanSquare, velocity, meanGradient, StepCount: 0, AlphaPower: 0));
    }

    /// <summary>Makes up for the steps since these weights were last touched; predictions need it where weights drift.</summary>
    private void BringUpToDate(ReadOnlySpan<int> places)
    {
        foreach (int place in places)
        {
            ref Coordinate c = ref _coordinates[place];
            if (c.Step < 0 || c.Step == _step)
                continue;        // touched by this batch already, or up to date
            float decay = Power(_powers, _alpha, _step - c.Step);
            c.MeanSquare *= decay;
            if (_centered)
                _meanGradients[place] *= decay;
            _sums[place] += SumOfRest(place, _step);
            Rest(place, _step);
            c.Step = _step;
        }
    }

    /// <summary>Moves a weight on to where it stands after a step, nothing having touched it since its last.</summary>
    private void Rest(int place, long to) => (_weights[place], _velocities[place]) = Rested(place, to);

    private (float Weight, float Velocity) Rested(int place, long to)
    {
        if (_momentum == 0)
            return (_weights[place], 0);
        float left = Power(_momentumPowers, _momentum, to - _coordinates[place].Step);
        return (_weights[place] - Drift(place) * (1 - left), _velocities[place] * left);
    }

    /// <summary>Sum of a weight after each averaged step from its last on, up to but without step <paramref name="end"/>.</summary>
    private double SumOfRest(int place, long end)
    {
        long last = _coordinates[place].Step;
        long first = Math.Max(last, _firstAveragedStep + 1);
        long count = Math.Max(end - first, 0);
        double sum = (double)_weights[place] * count;
        if (_momentum == 0 || count == 0)
            return sum;
        double powers = Power(_momentumPowers, _momentum, first - last) * (1.0 - Power(_momentumPowers, _momentum, count)) / (1 - _momentum);
        return sum - Drift(place) * (count - powers);
    }

    /// <summary>How far the velocity would still carry a weight if nothing touched it any more: η·v·μ / (1−μ).</summary>
    private float Drift(int place) => _learningRate * _velocities[place] * _momentum / (1 - _momentum);

    private static float[] Powers(float factor) => [.. Enumerable.Range(0, PowerCount).Select(k => (float)Math.Pow(factor, k))];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Power(float[] powers, float factor, long k) => k < PowerCount ? powers[k] : (float)Math.Pow(factor, k);

    /// <summary>What a touch of a weight needs besides the weight, side by side in memory: a random access costs one cache line.</summary>
    private struct Coordinate
    {
        public float Gradient;
        public float MeanSquare;

        /// <summary>The last step that touched it, or the complement (~) of that once the coming step does.</summary>
        public long Step;
    }
}
