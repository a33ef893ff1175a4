using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Kernels;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// RMSProp for the weights of sparse columns, if a mini-batch has values in few of them: a step costs the batch's non-zeros, not the number of
/// weights.
/// </summary>
/// <remarks>
/// <para>
/// A step changes only the weights in its batch, those whose columns have a value there. The steps that the others miss have a closed form
/// (<see cref="LazyForm"/>), and each weight catches up when it is next needed. In real arithmetic this is <see cref="RmsProp"/>, step by step; it
/// does not skip the decay, which would be another algorithm.
/// </para>
/// <para>
/// Momentum has no closed form if the rate changes, L1 and bounds act on every weight, and clipping needs the whole gradient: such trainings step
/// every weight. An L2 penalty is divided among the rows that have a value in the weight's column.
/// </para>
/// </remarks>
internal sealed class LazyWeights : ISparseGradient, IDisposable
{
    private readonly RmsPropRule _rule;
    private readonly LazyForm _form;
    private readonly float[] _parameters;
    private readonly int _offset;
    private readonly Average _average;
    private readonly float[]? _ridge;
    private readonly LazyCoordinate[] _coordinates;
    private readonly float[] _velocities;
    private readonly float[] _meanGradients;
    private readonly LazyRange[] _ranges;
    private readonly Action<int> _stepRange;
    private WorkerTeam? _team;
    private Action<int>? _forRange;
    private RmsPropFormula _formula;
    private float _gradientFactor;

    /// <summary>Steps taken.</summary>
    private long _step;

    /// <param name="rule">The rule of the dense columns, which counts the steps.</param>
    /// <param name="form">The closed form of missed steps.</param>
    /// <param name="parameters">All parameters; the weights are changed in place.</param>
    /// <param name="offset">Where the weights begin, in the parameters and in the sums of the average; they go to the end.</param>
    /// <param name="average">Takes the sums of the weights, each up to its last step.</param>
    /// <param name="setup">The penalty and the threads.</param>
    public LazyWeights(RmsPropRule rule, LazyForm form, float[] parameters, int offset, Average average, LazySetup setup)
    {
        _rule = rule;
        _form = form;
        _parameters = parameters;
        _offset = offset;
        _average = average;
        _ridge = setup.Ridge;
        int count = parameters.Length - offset;
        _coordinates = new LazyCoordinate[count];
        _velocities = new float[form.HasMomentum ? count : 0];
        _meanGradients = new float[form.IsCentered ? count : 0];
        _ranges = [.. setup.RangeEnds.Select((end, range) => new LazyRange(range == 0 ? 0 : setup.RangeEnds[range - 1], end))];
        _stepRange = StepRange;
    }

    /// <summary>Whether every weight and mean square has been finite after every step.</summary>
    public bool IsFinite => Array.TrueForAll(_ranges, range => range.IsFinite);

    public int RangeCount => _ranges.Length;

    /// <summary>With momentum, weights also change in steps without a gradient.</summary>
    public bool NeedsPreparation => _form.HasMomentum;

    /// <summary>A weight as of its last step.</summary>
    private LazyWeight this[int position]
    {
        get => new(_parameters[_offset + position], _coordinates[position].MeanSquare, NeedsPreparation ? _velocities[position] : 0,
            _form.IsCentered ? _meanGradients[position] : 0, _average.Sums[_offset + position], _coordinates[position].LastStep);
        set
        {
            _parameters[_offset + position] = value.Weight;
            _coordinates[position].MeanSquare = value.MeanSquare;
            _coordinates[position].LastStep = value.LastStep;
            _average.Sums[_offset + position] = value.Sum;
            if (NeedsPreparation)
                _velocities[position] = value.Velocity;
            if (_form.IsCentered)
                _meanGradients[position] = value.MeanGradient;
        }
    }

    /// <inheritdoc/>
    public void Prepare(ReadOnlySpan<int> positions)
    {
        foreach (int position in positions)
        {
            if (!_coordinates[position].IsInBatch && _coordinates[position].LastStep < _step)
                this[position] = _form.CatchUp(this[position], _step, _average.FirstStep);
        }
    }

    /// <inheritdoc/>
    public void ForEachRange(Action<int> action)
    {
        _forRange = action;
        _team ??= new WorkerTeam(_ranges.Length, _ranges.Length, range => _forRange(range));
        _team.Run();
    }

    /// <inheritdoc/>
    public void Add(int range, ReadOnlySpan<int> positions, ReadOnlySpan<float> values, float factor, float rowWeight)
    {
        LazyRange own = _ranges[range];
        Range inRange = own.Find(positions);
        positions = positions[inRange];
        values = values[inRange];
        Span<LazyCoordinate> coordinates = _coordinates;
        ReadOnlySpan<float> weights = _parameters.AsSpan(_offset);
        ReadOnlySpan<float> ridge = _ridge;
        for (int k = 0; k < positions.Length; k++)
        {
            int position = positions[k];
            ref LazyCoordinate coordinate = ref coordinates[position];
            if (!coordinate.IsInBatch)
            {
                coordinate.MarkInBatch();
                own.Add(position);
            }
            coordinate.Gradient += factor * values[k];
            // This has the same mean as λ·w in every step, at the cost of the non-zeros alone.
            if (ridge.Length > 0)
                coordinate.Gradient += rowWeight * ridge[position] * weights[position];
        }
    }

    /// <summary>Takes the step that the rule has just taken, with the summed gradient times <paramref name="gradientFactor"/>.</summary>
    public void Step(float learningRate, float gradientFactor)
    {
        (_formula, _gradientFactor) = (_rule.Formula(learningRate), gradientFactor);
        ForEachRange(_stepRange);
        _step++;
    }

    /// <summary>Writes every weight, and its sum for the average, as after the last step.</summary>
    public void CatchUp(Span<float> weights, Span<double> sums)
    {
        for (int position = 0; position < _coordinates.Length; position++)
        {
            LazyWeight now = _form.CatchUp(this[position], _step, _average.FirstStep);
            (weights[_offset + position], sums[_offset + position]) = (now.Weight, _form.SumAfter(this[position], _step, _average.FirstStep));
        }
    }

    /// <summary>Brings the sums of the average up to the last step. The average then begins new sums.</summary>
    public void CatchUpSums()
    {
        for (int position = 0; position < _coordinates.Length; position++)
            _average.Sums[_offset + position] = _form.SumAfter(this[position], _step, _average.FirstStep);
    }

    /// <summary>Writes each weight as of its last step.</summary>
    public void Save(LazyArrays arrays)
    {
        for (int position = 0; position < _coordinates.Length; position++)
            arrays[_offset + position] = this[position];
    }

    /// <summary>Inverse of <see cref="Save"/>: continues after this many steps.</summary>
    public void Restore(LazyArrays arrays, long stepCount)
    {
        _step = stepCount;
        for (int position = 0; position < _coordinates.Length; position++)
        {
            LazyWeight weight = this[position] = arrays[_offset + position];
            _ranges[0].IsFinite &= float.IsFinite(weight.MeanSquare) && float.IsFinite(weight.Weight);
        }
    }

    public void Dispose() => _team?.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void StepRange(int number)
    {
        LazyRange range = _ranges[number];
        ReadOnlySpan<int> inBatch = range.InBatch;
        for (int done = 0; done < inBatch.Length; done += LazyRange.Length)
            StepBlock(range, inBatch.Slice(done, Math.Min(LazyRange.Length, inBatch.Length - done)));
        range.Clear();
    }

    /// <summary>Steps some weights: gathers their state, steps whole vectors, and writes the state back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void StepBlock(LazyRange range, ReadOnlySpan<int> inBatch)
    {
        Span<float> parameters = _parameters.AsSpan(_offset);
        Span<LazyCoordinate> coordinates = _coordinates;
        Span<double> sums = _average.Sums.AsSpan(_offset);
        long firstAveraged = _average.FirstStep;
        long now = _step + 1;
        for (int i = 0; i < inBatch.Length; i++)
        {
            int position = inBatch[i];
            ref LazyCoordinate c = ref coordinates[position];
            Debug.Assert(!NeedsPreparation || c.LastStep == _step);
            range.Weights[i] = parameters[position];
            range.MeanSquares[i] = c.MeanSquare;
            range.Gradients[i] = c.Gradient * _gradientFactor;
            range.Decays[i] = _form.Decay(now - c.LastStep);
            // Prepared weights have caught up already; the others have not changed since.
            if (_step > firstAveraged)
                sums[position] += (double)parameters[position] * (_step - Math.Max(c.LastStep, firstAveraged));
        }
        if (NeedsPreparation)
            SparseKernels.Gather(inBatch, _velocities, range.Velocities);
        if (_form.IsCentered)
            SparseKernels.Gather(inBatch, _meanGradients, range.MeanGradients);
        range.Step(_formula, inBatch.Length);

        for (int i = 0; i < inBatch.Length; i++)
        {
            int position = inBatch[i];
            ref LazyCoordinate c = ref coordinates[position];
            parameters[position] = range.Weights[i];
            c.MeanSquare = range.MeanSquares[i];
            c.LastStep = now;
            c.Gradient = 0;
            if (now > firstAveraged)
                sums[position] += range.Weights[i];
        }
        if (NeedsPreparation)
            SparseKernels.Scatter(inBatch, range.Velocities, _velocities);
        if (_form.IsCentered)
            SparseKernels.Scatter(inBatch, range.MeanGradients, _meanGradients);
    }
}

/// <summary>How lazily updated weights are penalised and divided among threads.</summary>
/// <param name="Ridge">By position, λ of an L2 penalty divided by the share of rows with a value in the column; null for none.</param>
/// <param name="RangeEnds">Ends of the ranges of positions, ascending; one thread updates each range. The weights do not depend on them.</param>
internal sealed record LazySetup(float[]? Ridge, IReadOnlyList<int> RangeEnds);

/// <summary>
/// The steps that a weight misses, in closed form. k steps without a gradient shrink the means by αᵏ. The weight does not change or, with momentum
/// and a constant rate, drifts by a geometric series: v ← μᵏ·v, w ← w − η·v·μ·(1−μᵏ)/(1−μ).
/// </summary>
/// <param name="rule">The constants of the rule.</param>
/// <param name="learningRate">η of every step; used with momentum only.</param>
internal sealed class LazyForm(RuleSettings rule, float learningRate)
{
    private readonly PowerTable _alphaPowers = new(rule.Alpha);
    private readonly PowerTable _momentumPowers = new(rule.Momentum);

    public bool HasMomentum => rule.Momentum > 0;

    public bool IsCentered => rule.Centered;

    /// <summary>αᵏ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Decay(long steps) => _alphaPowers[steps];

    /// <summary>A weight after <paramref name="now"/> steps, if those after <see cref="LazyWeight.LastStep"/> had no gradient.</summary>
    /// <param name="weight">The weight as of its last step.</param>
    /// <param name="now">Steps taken.</param>
    /// <param name="firstAveragedStep">The first step, counted from 0, that counts in the sum.</param>
    public LazyWeight CatchUp(LazyWeight weight, long now, long firstAveragedStep)
    {
        long steps = now - weight.LastStep;
        if (steps == 0)
            return weight;
        float decay = _alphaPowers[steps];
        float left = _momentumPowers[steps];
        float caughtUp = weight.Weight - Drift(weight) * (1 - left);
        double sum = SumAfter(weight, now - 1, firstAveragedStep) + (now > firstAveragedStep ? caughtUp : 0);
        return new(caughtUp, weight.MeanSquare * decay, weight.Velocity * left, weight.MeanGradient * decay, sum, now);
    }

    /// <summary>The sum of <see cref="CatchUp"/> alone.</summary>
    public double SumAfter(LazyWeight weight, long now, long firstAveragedStep)
    {
        if (now <= firstAveragedStep || now == weight.LastStep)
            return weight.Sum;
        // If the last step is already in the sum, the series begins with it, and its term, which is exact, is subtracted again.
        bool isCounted = weight.LastStep > firstAveragedStep;
        long first = isCounted ? 0 : firstAveragedStep + 1 - weight.LastStep;
        long count = now + 1 - weight.LastStep - first;
        double sum = (double)weight.Weight * count;
        if (HasMomentum)
            sum -= Drift(weight) * (count - _momentumPowers[first] * (1.0 - _momentumPowers[count]) / (1 - rule.Momentum));
        return weight.Sum + (isCounted ? sum - weight.Weight : sum);
    }

    /// <summary>How far the velocity would still carry a weight without another gradient: η·v·μ / (1−μ).</summary>
    private float Drift(LazyWeight weight) => learningRate * weight.Velocity * rule.Momentum / (1 - rule.Momentum);
}

/// <summary>A weight and its state as of the last step that it was in.</summary>
/// <param name="Weight">w.</param>
/// <param name="MeanSquare">s.</param>
/// <param name="Velocity">v; not used without momentum.</param>
/// <param name="MeanGradient">m; not used unless centered.</param>
/// <param name="Sum">See <see cref="Average.Sums"/>.</param>
/// <param name="LastStep">The step, counted from 1; 0 before the first.</param>
internal readonly record struct LazyWeight(float Weight, float MeanSquare, float Velocity, float MeanGradient, double Sum, long LastStep);

/// <summary>The same for many weights, in arrays by position or by column; <paramref name="MeanGradients"/> is null unless centered.</summary>
internal sealed record LazyArrays(
    float[] Weights, float[] MeanSquares, float[] Velocities, float[]? MeanGradients, double[] Sums, long[] LastSteps)
{
    public LazyWeight this[int index]
    {
        get => new(Weights[index], MeanSquares[index], Velocities[index], MeanGradients?[index] ?? 0, Sums[index], LastSteps[index]);
        set
        {
            (Weights[index], MeanSquares[index], Velocities[index]) = (value.Weight, value.MeanSquare, value.Velocity);
            (Sums[index], LastSteps[index]) = (value.Sum, value.LastStep);
            if (MeanGradients is not null)
                MeanGradients[index] = value.MeanGradient;
        }
    }
}

/// <summary>The positions that one thread updates, those of them in the batch, and buffers to gather the state of some of these.</summary>
/// <param name="begin">The first position.</param>
/// <param name="end">The position after the last one.</param>
internal sealed class LazyRange(int begin, int end)
{
    /// <summary>Long enough that gathered numbers have left the store buffer when they are loaded as vectors.</summary>
    public const int Length = 64;

    private readonly int[] _inBatch = new int[end - begin];
    private int _count;

    /// <summary>The positions in the batch, in the order of their first value.</summary>
    public ReadOnlySpan<int> InBatch => _inBatch.AsSpan(0, _count);

    /// <summary>Whether every weight and mean square stepped has been finite.</summary>
    public bool IsFinite { get; set; } = true;

    public float[] Weights { get; } = new float[Length];

    public float[] MeanSquares { get; } = new float[Length];

    public float[] Velocities { get; } = new float[Length];

    public float[] MeanGradients { get; } = new float[Length];

    public float[] Gradients { get; } = new float[Length];

    public float[] Decays { get; } = new float[Length];

    /// <summary>Which of the ascending positions of a row are in this range.</summary>
    public Range Find(ReadOnlySpan<int> positions) => FirstNotBelow(positions, begin)..FirstNotBelow(positions, end);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int position) => _inBatch[_count++] = position;

    public void Clear() => _count = 0;

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

    private static int FirstNotBelow(ReadOnlySpan<int> positions, int bound)
    {
        if (positions.IsEmpty || bound <= positions[0])
            return 0;
        if (bound > positions[^1])
            return positions.Length;
        int found = positions.BinarySearch(bound);
        return found < 0 ? ~found : found;
    }

    private static Span<Vector<float>> Vectors(float[] numbers) => MemoryMarshal.Cast<float, Vector<float>>(numbers.AsSpan());
}

/// <summary>The numbers that are needed together with a weight, adjacent in memory: a random access costs one cache line.</summary>
internal struct LazyCoordinate
{
    public float Gradient;
    public float MeanSquare;

    /// <summary>The last step, or its complement if the weight is in the batch of the coming step: a flag that takes no memory.</summary>
    private long _lastStep;

    public readonly bool IsInBatch => _lastStep < 0;

    /// <summary>The last step that changed the weight; setting it clears <see cref="IsInBatch"/>.</summary>
    public long LastStep
    {
        readonly get => _lastStep < 0 ? ~_lastStep : _lastStep;
        set => _lastStep = value;
    }

    public void MarkInBatch() => _lastStep = ~_lastStep;
}

/// <summary>Powers of a factor, those with small exponents from a table.</summary>
internal sealed class PowerTable(float factor)
{
    /// <summary>With larger exponents a weight is stepped so rarely that calling a library function does not matter.</summary>
    private const int Count = 1024;

    private readonly float[] _powers = [.. Enumerable.Range(0, Count).Select(k => (float)Math.Pow(factor, k))];

    public float this[long exponent]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => exponent < Count ? _powers[exponent] : (float)Math.Pow(factor, exponent);
    }
}

/// <summary>Receives the gradient of the weights of sparse columns, row by row.</summary>
internal interface ISparseGradient
{
    /// <summary>Whether <see cref="Prepare"/> must be called for a row before its prediction is computed.</summary>
    bool NeedsPreparation { get; }

    /// <summary>Brings the weights at these positions up to date.</summary>
    void Prepare(ReadOnlySpan<int> positions);

    /// <summary>Calls an action for each range of positions, on several threads if there are several ranges.</summary>
    void ForEachRange(Action<int> action);

    /// <summary>
    /// Adds factor · valueₖ to the gradient of the weight at positionₖ, and the row's share of a penalty, for the positions in one range.
    /// </summary>
    void Add(int range, ReadOnlySpan<int> positions, ReadOnlySpan<float> values, float factor, float rowWeight);
}

/// <summary>Adds to an array with one number per position.</summary>
internal sealed class SparseGradient(Memory<float> gradient) : ISparseGradient
{
    public bool NeedsPreparation => false;

    public void Prepare(ReadOnlySpan<int> positions)
    {
    }

    public void ForEachRange(Action<int> action) => action(0);

    public void Add(int range, ReadOnlySpan<int> positions, ReadOnlySpan<float> values, float factor, float rowWeight) =>
        SparseKernels.AddScaled(positions, values, factor, gradient.Span);
}
