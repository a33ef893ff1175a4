using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// RMSProp for many weights of which a mini-batch touches few: a step costs the batch's non-zeros, not the number of weights.
/// </summary>
/// <remarks>
/// <para>
/// While a weight's gradient is 0, its means only shrink, k steps at once by αᵏ, and the weight rests, or with momentum and
/// a constant rate drifts by a geometric series: v ← μᵏ·v, w ← w − η·v·μ·(1−μᵏ)/(1−μ). So all of it is brought up to date
/// when the weight is next needed, and the running sum of the weights likewise. In real arithmetic this is
/// <see cref="RmsProp"/>, step by step; it is not skipping the decay, which would be another algorithm.
/// </para>
/// <para>
/// With a rate that changes, momentum has no such form; L1 and bounds act on every weight, and clipping needs the whole gradient: none of them can
/// be trained this way. An L2 penalty is divided among the rows that touch a weight.
/// </para>
/// </remarks>
internal sealed class LazyWeights : ISparseGradient, IDisposable
{
    private readonly float[] _parameters;
    private readonly int _offset;
    private readonly RmsPropRule _rule;
    private readonly float _alpha;
    private readonly bool _centered;
    private readonly float _momentum;
    private readonly float _learningRate;
    private readonly PowerTable _alphaPowers;
    private readonly PowerTable _momentumPowers;
    private readonly LazyCoordinate[] _coordinates;
    private readonly float[] _meanGradients;
    private readonly float[] _velocities;
    private readonly LazyRange[] _parts;
    private readonly float[]? _ridge;
    private readonly Action<int> _stepPart;
    private WorkerTeam? _team;
    private Action<int>? _forPart;
    private RmsPropFormula _formula;
    private float _gradientFactor;
    private long _step;

    /// <param name="parameters">All parameters; the weights are changed in place.</param>
    /// <param name="offset">Where the weights begin; they go to the end.</param>
    /// <param name="settings">The form of the rule.</param>
    /// <param name="rule">The rule of the dense columns, which counts the steps.</param>
    /// <param name="learningRate">η of every step; used with momentum only.</param>
    /// <param name="ridge">λ of an L2 penalty by place, over the share of the rows that touch the weight; null for none.</param>
    /// <param name="firstAveragedStep">The first step, counted from 0, whose weights count in <see cref="Mean"/>.</param>
    /// <param name="partEnds">Where the parts of the places end that one thread each updates, ascending; null for one part. The weights do not depend on them.</param>
    public LazyWeights(float[] parameters, int offset, RuleSettings settings, RmsPropRule rule, float learningRate, float[]? ridge, long firstAveragedStep,
        IReadOnlyList<int>? partEnds = null)
    {
        _parameters = parameters;
        _offset = offset;
        int count = parameters.Length - offset;
        _alpha = settings.Alpha;
        _centered = settings.Centered;
        _momentum = settings.Momentum;
        _rule = rule;
        _learningRate = learningRate;
        _ridge = ridge;
        _alphaPowers = new PowerTable(_alpha);
        _momentumPowers = new PowerTable(_momentum);
        _coordinates = new LazyCoordinate[count];
        _meanGradients = new float[_centered ? count : 0];
        _velocities = new float[_momentum > 0 ? count : 0];
        Average = new Average(count, firstAveragedStep);
        partEnds ??= [count];
        _parts = [.. partEnds.Select((end, part) => new LazyRange(part == 0 ? 0 : partEnds[part - 1], end))];
        _stepPart = StepPart;
    }

    /// <summary>Whether every weight and mean square has been finite after every step.</summary>
    public bool IsFinite => Array.TrueForAll(_parts, part => part.IsFinite);

    public int PartCount => _parts.Length;

    /// <summary>Sums of the weights after the averaged steps, each as of its last touch: <see cref="Mean"/> makes up for the rest.</summary>
    public Average Average { get; }

    /// <summary>With momentum, weights that no row touches drift.</summary>
    public bool NeedsPreparation => _momentum > 0;

    /// <inheritdoc/>
    public void Prepare(ReadOnlySpan<int> places)
    {
        foreach (int place in places)
        {
            if (!_coordinates[place].IsTouched)
                BringUpToDate(place);
        }
    }

    /// <inheritdoc/>
    public void ForEachPart(Action<int> action)
    {
        _forPart = action;
        _team ??= new WorkerTeam(_parts.Length, _parts.Length, part => _forPart(part));
        _team.Run();
    }

    /// <inheritdoc/>
    public void Add(int part, ReadOnlySpan<int> places, ReadOnlySpan<float> values, float factor, float rowWeight)
    {
        LazyRange own = _parts[part];
        Range range = own.Of(places);
        places = places[range];
        values = values[range];
        Span<LazyCoordinate> coordinates = _coordinates;
        ReadOnlySpan<float> weights = _parameters.AsSpan(_offset);
        ReadOnlySpan<float> ridge = _ridge;
        for (int k = 0; k < places.Length; k++)
        {
            int place = places[k];
            ref LazyCoordinate coordinate = ref coordinates[place];
            if (!coordinate.IsTouched)
            {
                coordinate.Touch();
                own.Touch(place);
            }
            coordinate.Gradient += factor * values[k];
            // λ·w in every step has the same mean as this where the weight is touched, at the cost of the non-zeros.
            if (ridge.Length > 0)
                coordinate.Gradient += rowWeight * ridge[place] * weights[place];
        }
    }

    /// <summary>Takes the step that the rule has just taken, with the gradient added up so far times <paramref name="gradientFactor"/>.</summary>
    public void Step(float learningRate, float gradientFactor)
    {
        (_formula, _gradientFactor) = (_rule.Formula(learningRate), gradientFactor);
        ForEachPart(_stepPart);
        _step++;
    }

    public void Dispose() => _team?.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void StepPart(int number)
    {
        LazyRange part = _parts[number];
        ReadOnlySpan<int> touched = part.Touched;
        if (_momentum > 0 || _step > Average.FirstStep)
        {
            foreach (int place in touched)
                Settle(place);
        }
        for (int done = 0; done < touched.Length; done += LazyRange.Length)
            StepBlock(part, touched.Slice(done, Math.Min(LazyRange.Length, touched.Length - done)));
        part.Clear();
    }

    /// <summary>Steps some weights: gathers what belongs to them, steps vectors of them, and puts all back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void StepBlock(LazyRange part, ReadOnlySpan<int> touched)
    {
        Span<float> parameters = _parameters.AsSpan(_offset);
        Span<LazyCoordinate> coordinates = _coordinates;
        ReadOnlySpan<float> alphaPowers = _alphaPowers.Table;
        long now = _step + 1;
        for (int i = 0; i < touched.Length; i++)
        {
            int place = touched[i];
            ref LazyCoordinate c = ref coordinates[place];
            long age = now - c.LastStep;
            part.Weights[i] = parameters[place];
            part.MeanSquares[i] = c.MeanSquare;
            part.Gradients[i] = c.Gradient * _gradientFactor;
            part.Decays[i] = age < alphaPowers.Length ? alphaPowers[(int)age] : _alphaPowers[age];
        }
        if (_momentum > 0)
            SparseKernels.Gather(touched, _velocities, part.Velocities);
        if (_centered)
            SparseKernels.Gather(touched, _meanGradients, part.MeanGradients);
        part.Step(_formula, touched.Length);

        for (int i = 0; i < touched.Length; i++)
        {
            int place = touched[i];
            ref LazyCoordinate c = ref coordinates[place];
            parameters[place] = part.Weights[i];
            c.MeanSquare = part.MeanSquares[i];
            c.LastStep = now;
            c.Gradient = 0;
        }
        if (_momentum > 0)
            SparseKernels.Scatter(touched, part.Velocities, _velocities);
        if (_centered)
            SparseKernels.Scatter(touched, part.MeanGradients, _meanGradients);
    }

    /// <summary>Makes up for the steps without a gradient: in the sum for the average, and in what momentum did.</summary>
    private void Settle(int place)
    {
        if (_step > Average.FirstStep)
            Average.Sums[place] += SumOfRest(place, _step + 1);
        if (_momentum > 0)
            Rest(place, _step);
    }

    /// <summary>Writes each weight's mean over the averaged steps; the last weights if there is none.</summary>
    public void Mean(Span<double> mean)
    {
        long count = Average.Count(_step);
        double[]? earlier = Average.EarlierSums;
        for (int place = 0; place < mean.Length; place++)
        {
            double sum = Average.Sums[place] + SumOfRest(place, _step + 1);
            mean[place] = count == 0 ? Rested(place, _step).Weight : earlier is null ? sum / count : (earlier[place] + sum) / count;
        }
    }

    /// <summary>See <see cref="Average.Restart"/>.</summary>
    public void RestartAverage()
    {
        for (int place = 0; place < Average.Sums.Length; place++)
            Average.Sums[place] += SumOfRest(place, _step + 1);
        Average.Restart(_step);
    }

    /// <summary>Applies to every weight what the steps since its last touch have done to it.</summary>
    public void BringUpToDate()
    {
        for (int place = 0; place < _coordinates.Length; place++)
            BringUpToDate(place);
    }

    /// <summary>Writes what is kept for each weight beside the sums, as of its last touch.</summary>
    public void Save(IReadOnlyDictionary<string, float[]> state, int offset, Span<long> lastSteps)
    {
        for (int place = 0; place < _coordinates.Length; place++)
        {
            state[nameof(RmsPropRule.MeanSquare)][offset + place] = _coordinates[place].MeanSquare;
            state[nameof(RmsPropRule.Velocity)][offset + place] = _momentum > 0 ? _velocities[place] : 0;
            if (_centered)
                state[nameof(RmsPropRule.MeanGradient)][offset + place] = _meanGradients[place];
            lastSteps[place] = _coordinates[place].LastStep;
        }
    }

    /// <summary>Inverse of <see cref="Save"/>.</summary>
    public void Restore(IReadOnlyDictionary<string, float[]> state, int offset, long stepCount, ReadOnlySpan<long> lastSteps)
    {
        _step = stepCount;
        for (int place = 0; place < _coordinates.Length; place++)
        {
            _coordinates[place].MeanSquare = state[nameof(RmsPropRule.MeanSquare)][offset + place];
            _coordinates[place].LastStep = lastSteps[place];
            _parts[0].IsFinite &= float.IsFinite(_coordinates[place].MeanSquare) && float.IsFinite(_parameters[_offset + place]);
            if (_momentum > 0)
                _velocities[place] = state[nameof(RmsPropRule.Velocity)][offset + place];
            if (_centered)
                _meanGradients[place] = state[nameof(RmsPropRule.MeanGradient)][offset + place];
        }
    }

    private void BringUpToDate(int place)
    {
        ref LazyCoordinate c = ref _coordinates[place];
        if (c.LastStep == _step)
            return;
        float decay = _alphaPowers[_step - c.LastStep];
        c.MeanSquare *= decay;
        if (_centered)
            _meanGradients[place] *= decay;
        Average.Sums[place] += SumOfRest(place, _step);
        if (_momentum > 0)
            Rest(place, _step);
        c.LastStep = _step;
    }

    /// <summary>Moves a weight to where it is after a step, with no gradient since its last touch.</summary>
    private void Rest(int place, long to) => (_parameters[_offset + place], _velocities[place]) = Rested(place, to);

    private (float Weight, float Velocity) Rested(int place, long to)
    {
        float weight = _parameters[_offset + place];
        if (_momentum == 0)
            return (weight, 0);
        float left = _momentumPowers[to - _coordinates[place].LastStep];
        return (weight - Drift(place) * (1 - left), _velocities[place] * left);
    }

    /// <summary>Sum of a weight after each averaged step from its last touch on, up to but without step <paramref name="end"/>.</summary>
    private double SumOfRest(int place, long end)
    {
        long last = _coordinates[place].LastStep;
        long first = Math.Max(last, Average.FirstStep + 1);
        long count = Math.Max(end - first, 0);
        double sum = (double)_parameters[_offset + place] * count;
        if (_momentum == 0 || count == 0)
            return sum;
        double powers = _momentumPowers[first - last] * (1.0 - _momentumPowers[count]) / (1 - _momentum);
        return sum - Drift(place) * (count - powers);
    }

    /// <summary>How far the velocity would still carry a weight if nothing touched it any more: η·v·μ / (1−μ).</summary>
    private float Drift(int place) => _learningRate * _velocities[place] * _momentum / (1 - _momentum);
}

/// <summary>A range of places that one thread updates: those that the batch touches, and room to gather what belongs to some of them.</summary>
/// <param name="begin">The first place.</param>
/// <param name="end">The place behind the last.</param>
internal sealed class LazyRange(int begin, int end)
{
    /// <summary>Long enough for what was gathered to have left the store buffer when vectors of it are loaded.</summary>
    public const int Length = 64;

    private readonly int[] _touched = new int[end - begin];
    private int _touchedCount;

    /// <summary>The places touched since the last step.</summary>
    public ReadOnlySpan<int> Touched => _touched.AsSpan(0, _touchedCount);

    /// <summary>Whether all that was stepped has been finite.</summary>
    public bool IsFinite { get; set; } = true;

    public float[] Weights { get; } = new float[Length];

    public float[] MeanSquares { get; } = new float[Length];

    public float[] Velocities { get; } = new float[Length];

    public float[] MeanGradients { get; } = new float[Length];

    public float[] Gradients { get; } = new float[Length];

    public float[] Decays { get; } = new float[Length];

    /// <summary>Which of the ascending places of a row are in this part.</summary>
    public Range Of(ReadOnlySpan<int> places) => FirstNotBelow(places, begin)..FirstNotBelow(places, end);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Touch(int place) => _touched[_touchedCount++] = place;

    public void Clear() => _touchedCount = 0;

    /// <summary>Steps the first of the gathered weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public void Step(in RmsPropFormula formula, int count)
    {
        Span<Vector<float>> weights = Vectors(Weights);
        Span<Vector<float>> meanSquares = Vectors(MeanSquares);
        Span<Vector<float>> velocities = Vectors(Velocities);
        Span<Vector<float>> meanGradients = Vectors(MeanGradients);
        Span<Vector<float>> gradients = Vectors(Gradients);
        Span<Vector<float>> decays = Vectors(Decays);
        for (int i = 0; i < weights.Length; i++)
            formula.Step(ref weights[i], ref meanSquares[i], ref velocities[i], ref meanGradients[i], gradients[i], decays[i]);
        IsFinite &= MomentKernels.AllFinite(Weights.AsSpan(0, count)) && MomentKernels.AllFinite(MeanSquares.AsSpan(0, count));
    }

    private static int FirstNotBelow(ReadOnlySpan<int> places, int bound)
    {
        if (places.IsEmpty || bound <= places[0])
            return 0;
        if (bound > places[^1])
            return places.Length;
        int found = places.BinarySearch(bound);
        return found < 0 ? ~found : found;
    }

    private static Span<Vector<float>> Vectors(float[] numbers) => MemoryMarshal.Cast<float, Vector<float>>(numbers.AsSpan());
}

/// <summary>What a touch of a weight needs besides the weight, side by side in memory: a random access costs one cache line.</summary>
internal struct LazyCoordinate
{
    public float Gradient;
    public float MeanSquare;

    /// <summary>The complement of the last step once the coming step touches the weight: a flag that takes no room.</summary>
    private long _lastStep;

    public readonly bool IsTouched => _lastStep < 0;

    /// <summary>The last step that changed the weight; setting it clears <see cref="IsTouched"/>.</summary>
    public long LastStep
    {
        readonly get => _lastStep < 0 ? ~_lastStep : _lastStep;
        set => _lastStep = value;
    }

    public void Touch() => _lastStep = ~_lastStep;
}

/// <summary>Powers of a factor, those with small exponents from a table.</summary>
internal sealed class PowerTable(float factor)
{
    /// <summary>Beyond this a weight is touched so rarely that the call of a library function does not matter.</summary>
    private const int Count = 1024;

    private readonly float[] _powers = [.. Enumerable.Range(0, Count).Select(k => (float)Math.Pow(factor, k))];

    /// <summary>The powers with the smallest exponents, from 0 on.</summary>
    public ReadOnlySpan<float> Table => _powers;

    public float this[long exponent]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => exponent < Count ? _powers[exponent] : (float)Math.Pow(factor, exponent);
    }
}

/// <summary>Takes the gradient of the weights of sparse columns, row by row.</summary>
internal interface ISparseGradient
{
    /// <summary>Whether <see cref="Prepare"/> must be called for a row before its prediction is computed.</summary>
    bool NeedsPreparation { get; }

    /// <summary>Brings the weights at these places up to date.</summary>
    void Prepare(ReadOnlySpan<int> places);

    /// <summary>Calls an action for each part of the places, on several threads if there are several parts.</summary>
    void ForEachPart(Action<int> action);

    /// <summary>Adds factor · valueₖ to the gradient of the weight at placeₖ, and the row's share of a penalty, for the places of one part.</summary>
    void Add(int part, ReadOnlySpan<int> places, ReadOnlySpan<float> values, float factor, float rowWeight);
}

/// <summary>Adds to an array that has one number for each place.</summary>
internal sealed class SparseGradient(Memory<float> gradient) : ISparseGradient
{
    public bool NeedsPreparation => false;

    public void Prepare(ReadOnlySpan<int> places)
    {
    }

    public void ForEachPart(Action<int> action) => action(0);

    public void Add(int part, ReadOnlySpan<int> places, ReadOnlySpan<float> values, float factor, float rowWeight) =>
        SparseKernels.AddScaled(places, values, factor, gradient.Span);
}
