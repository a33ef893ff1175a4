using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// The parameters and everything else that a step changes: the update rule's state and the running average. The weights of sparse columns are
/// updated in one of two ways: each step changes all of them, or only those with a value in its batch. Dense columns have coordinates:
/// predictions need weights, but steps and averages are taken in the coordinates.
/// </summary>
internal sealed class Parameters : IDisposable
{
    private readonly ParameterSetup _setup;
    private readonly CoordinateTransform? _whitening;
    private readonly float[] _values;
    private readonly float[] _coordinates;
    private readonly float[] _coordinateGradient;
    private readonly Average _average;

    /// <param name="setup">The order of the parameters and how they change.</param>
    /// <param name="start">First values by column, the bias last.</param>
    public Parameters(ParameterSetup setup, ReadOnlySpan<float> start)
    {
        _setup = setup;
        _whitening = setup.Whitening;
        _values = new float[Layout.Length];
        Layout.Arrange(start, _values);
        Layout.SetConstants(_values);
        _coordinates = _whitening is null ? _values : [.. _values];
        _coordinateGradient = _whitening is null ? [] : new float[Layout.Length];
        if (_whitening is not null)
            _coordinates = Array.ConvertAll(_whitening.ToCoordinates(Array.ConvertAll(_values, value => (double)value)), value => (float)value);
        _average = new Average(Layout.Length, setup.Averaging.Begin);
        GradientLength = setup.Lazy is null ? Layout.Length : Layout.DenseLength;
        var rule = new RmsPropRule(setup.Rule, GradientLength);
        Rule = rule;
        if (setup.Lazy is { } lazy)
            Lazy = new LazyWeights(rule, new LazyForm(setup.Rule, setup.LearningRate), _values, Layout.DenseLength, _average, lazy);
        Unwhiten();
    }

    public RowLayout Layout => _setup.Layout;

    /// <summary>How the parameters change by their gradient.</summary>
    public IUpdateRule Rule { get; }

    /// <summary>The weights of sparse columns if a step changes only those with a value in its batch; else null.</summary>
    public LazyWeights? Lazy { get; }

    /// <summary>The numbers that the rule steps: u of the dense columns, and all other parameters that are not updated lazily.</summary>
    public Span<float> Coordinates => _coordinates.AsSpan(0, GradientLength);

    /// <summary>The current parameters, laid out as <see cref="Layout"/> says.</summary>
    public ReadOnlySpan<float> Values => _values;

    /// <summary>Length of the gradient that the rule takes: of all parameters, or of the dense part if the others are updated lazily.</summary>
    public int GradientLength { get; }

    public long StepCount => Rule.StepCount;

    /// <summary>Whether every parameter and what the rule keeps for it is finite.</summary>
    // If the square of a gradient overflows, every later step is 0: the weights stay finite and learn nothing.
    public bool AreFinite => MomentKernels.AllFinite(Coordinates)
        && Rule.State.All(array => MomentKernels.AllFinite(array.Values)) && Lazy is not { IsFinite: false };

    /// <summary>Threads that step the lazily updated weights.</summary>
    public int RangeCount => Lazy?.RangeCount ?? 1;

    /// <summary>Receives the gradient of the sparse columns; null if there are none.</summary>
    /// <param name="gradient">The gradient that will be passed to <see cref="Whiten"/>.</param>
    public ISparseGradient? SparseGradient(float[] gradient) => Layout.SparseCount == 0 ? null
        : Lazy is not null ? Lazy : new SparseGradient(gradient.AsMemory(Layout.DenseLength));

    /// <summary>The gradient in the coordinates: g_u = M·g for the dense columns; the rest is unchanged.</summary>
    /// <param name="gradient">The gradient of the weights; its length is <see cref="GradientLength"/>.</param>
    public ReadOnlySpan<float> Whiten(ReadOnlySpan<float> gradient)
    {
        if (_whitening is null)
            return gradient;
        Span<float> whitened = _coordinateGradient.AsSpan(0, GradientLength);
        _whitening.ToGradient(gradient, whitened);
        return whitened;
    }

    /// <summary>Computes the weights from the coordinates: w = M·u for the dense columns; the rest is unchanged.</summary>
    public void Unwhiten()
    {
        if (_whitening is null)
            return;
        _whitening.ToParameters(Coordinates, _values.AsSpan(0, GradientLength));
        Layout.SetConstants(_values);
    }

    /// <summary>Applies a penalty and a lower bound to the parameters after a step; see <see cref="IUpdateRule.Shrink"/>.</summary>
    public void StepProximal(ReadOnlySpan<float> penalty, ReadOnlySpan<float> lower, float learningRate) =>
        Rule.Shrink(_values.AsSpan(0, GradientLength), penalty, lower, learningRate);

    /// <summary>Adds the parameters after a step to the average.</summary>
    public void AddToAverage()
    {
        _average.Add(StepCount, Coordinates);
        if (_setup.Averaging.RestartsAfter(StepCount))
        {
            Lazy?.CatchUpSums();
            _average.Restart(StepCount);
        }
        else if (_setup.Averaging.DropsEarlierAfter(StepCount))
        {
            _average.DropEarlier();
        }
    }

    /// <summary>By column, the mean over the averaged steps so far, or the current parameters if there are none.</summary>
    public double[] Mean()
    {
        float[] stepped = Stepped();
        double[] sums = [.. _average.Sums];
        Lazy?.CatchUp(stepped, sums);
        double[] mean = _average.Mean(StepCount, stepped, sums);
        return Layout.ByColumn<double>(_whitening?.ToParameters(mean) ?? mean);
    }

    /// <summary>The whole state, as plain data.</summary>
    public ParameterState Save()
    {
        float[] stepped = Stepped();
        Dictionary<string, float[]> rule = Rule.State.ToDictionary(array => array.Name, array => Padded(array.Values));
        double[] sums = [.. _average.Sums];
        long[]? lastSteps = null;
        if (Lazy is not null)
        {
            lastSteps = new long[Layout.Length];
            Array.Fill(lastSteps, StepCount);
            Lazy.Save(ParameterState.ToLazy(stepped, rule, sums, lastSteps));
        }
        return new ParameterState(
            Layout.ByColumn<float>(stepped),
            rule.ToDictionary(array => array.Key, array => Layout.ByColumn<float>(array.Value)),
            StepCount,
            lastSteps is null ? null : Layout.ByColumn<long>(lastSteps),
            _average.FirstStep,
            Layout.ByColumn<double>(sums),
            _average.EarlierCount,
            _average.EarlierSums is { } earlier ? Layout.ByColumn<double>(earlier) : [],
            _whitening,
            _setup.LearningRate);
    }

    /// <summary>
    /// Continues from a state. The average continues too if it belongs to the same training or began at the same step; otherwise it begins now.
    /// </summary>
    public void Restore(ParameterState saved)
    {
        if (Lazy is null || saved.LearningRate != _setup.LearningRate)
            saved = saved.CaughtUp(_setup.Rule);
        Layout.Arrange<float>(saved.Values, _coordinates);
        if (_whitening is not null)
            _coordinates.AsSpan(Layout.DenseLength).CopyTo(_values.AsSpan(Layout.DenseLength));
        Unwhiten();
        Layout.SetConstants(_values);
        var rule = new Dictionary<string, float[]>();
        foreach ((string name, float[] values) in Rule.State)
        {
            rule[name] = Arranged<float>(ParameterState.OfRule(saved.Rule, name));
            rule[name].AsSpan(0, GradientLength).CopyTo(values);
        }
        Rule.Restore(saved.StepCount);
        if (_setup.Averaging.HasSums(saved.FirstAveragedStep, saved.StepCount))
            _average.Restore(saved.FirstAveragedStep, Arranged<double>(saved.AverageSums), saved.EarlierCount, Arranged<double>(saved.EarlierSums));
        if (Lazy is null)
            return;
        long[] lastSteps = Arranged<long>(saved.LastSteps ?? [.. Enumerable.Repeat(saved.StepCount, saved.Values.Length)]);
        Lazy.Restore(ParameterState.ToLazy(_values, rule, _average.Sums, lastSteps), saved.StepCount);
    }

    public void Dispose() => Lazy?.Dispose();

    private float[] Padded(float[] values) => [.. values, .. new float[Layout.Length - values.Length]];

    private T[] Arranged<T>(T[] byColumn)
    {
        var parameters = new T[Layout.Length];
        Layout.Arrange<T>(byColumn, parameters);
        return parameters;
    }

    /// <summary>The numbers that are stepped: coordinates, and lazily updated weights.</summary>
    private float[] Stepped() => [.. Coordinates, .. _values.AsSpan(GradientLength)];
}

/// <summary>The order of the parameters and how they change.</summary>
/// <param name="Layout">The order of the parameters.</param>
/// <param name="Rule">The constants of the update rule.</param>
/// <param name="LearningRate">η before the schedule.</param>
/// <param name="Averaging">The steps whose parameters count in the mean.</param>
/// <param name="Whitening">The coordinates of the dense columns; null to step their weights.</param>
/// <param name="Lazy">How a step changes only the weights of sparse columns with a value in its batch; null if it changes all.</param>
internal sealed record ParameterSetup(
    RowLayout Layout, RuleSettings Rule, float LearningRate, AveragingPlan Averaging, CoordinateTransform? Whitening, LazySetup? Lazy);

/// <summary>The state of <see cref="Parameters"/> as plain data, in the order of the columns, the bias last.</summary>
/// <param name="Values">The numbers that are stepped: parameters in the units of training or, for whitened columns, coordinates.</param>
/// <param name="Rule">What the update rule keeps for each parameter, by name.</param>
/// <param name="StepCount">Steps taken.</param>
/// <param name="LastSteps">For each parameter, the last step that its other numbers include; null if that is <paramref name="StepCount"/> for
/// all.</param>
/// <param name="FirstAveragedStep">The first step, counted from 0, that counts in <paramref name="AverageSums"/>.</param>
/// <param name="AverageSums">Sum of each parameter over the averaged steps.</param>
/// <param name="EarlierCount">Number of earlier steps that also count; see <see cref="AveragingPlan"/>.</param>
/// <param name="EarlierSums">Sum of each parameter over them; empty if there are none.</param>
/// <param name="Whitening">From the coordinates of the dense columns to their weights; null if they are the same.</param>
/// <param name="LearningRate">η before the schedule, which tells what momentum has done since <paramref name="LastSteps"/>.</param>
internal sealed record ParameterState(
    float[] Values, IReadOnlyDictionary<string, float[]> Rule, long StepCount, long[]? LastSteps,
    long FirstAveragedStep, double[] AverageSums, long EarlierCount, double[] EarlierSums, CoordinateTransform? Whitening, float LearningRate)
{
    /// <summary>The arrays of lazily updated weights.</summary>
    public static LazyArrays ToLazy(float[] values, IReadOnlyDictionary<string, float[]> rule, double[] sums, long[] lastSteps) => new(
        values, OfRule(rule, nameof(RmsPropRule.MeanSquare)), OfRule(rule, nameof(RmsPropRule.Velocity)),
        rule.GetValueOrDefault(nameof(RmsPropRule.MeanGradient)), sums, lastSteps);

    /// <summary>The same state with every parameter caught up to the last step.</summary>
    /// <param name="settings">The rule that made the state.</param>
    public ParameterState CaughtUp(RuleSettings settings)
    {
        if (LastSteps is null)
            return this;
        ParameterState copy = this with
        {
            Values = [.. Values],
            Rule = Rule.ToDictionary(array => array.Key, array => array.Value.ToArray()),
            AverageSums = [.. AverageSums],
            LastSteps = null,
        };
        LazyArrays parameters = ToLazy(copy.Values, copy.Rule, copy.AverageSums, [.. LastSteps]);
        var form = new LazyForm(settings, LearningRate);
        for (int i = 0; i < Values.Length; i++)
            parameters[i] = form.CatchUp(parameters[i], StepCount, FirstAveragedStep);
        return copy;
    }

    /// <summary>One of the arrays that an update rule keeps.</summary>
    /// <exception cref="InvalidDataException">The saved training has no array of this name.</exception>
    public static float[] OfRule(IReadOnlyDictionary<string, float[]> rule, string name) =>
        rule.TryGetValue(name, out float[]? values)
            ? values : throw new InvalidDataException($"The saved training lacks the {name} of its update rule.");

    /// <summary>The same state in the order of other columns, which must include all of these.</summary>
    public ParameterState Rearranged(ActiveFeatures from, ActiveFeatures to) => this with
    {
        Values = to.Rearrange(Values, from),
        Rule = Rule.ToDictionary(array => array.Key, array => to.Rearrange(array.Value, from)),
        LastSteps = LastSteps is null ? null : to.Rearrange(LastSteps, from),
        AverageSums = to.Rearrange(AverageSums, from),
        EarlierSums = to.Rearrange(EarlierSums, from),
    };

    /// <summary>Writes a state to a file, or reads one.</summary>
    /// <param name="file">The file.</param>
    /// <param name="state">The state to write.</param>
    /// <param name="layout">The columns.</param>
    /// <exception cref="FormatException">The content is not consistent.</exception>
    public static ParameterState Exchange(Archive file, ParameterState? state, RowLayout layout)
    {
        int length = layout.ColumnCount + 1;
        var exchanged = new ParameterState(
            file.Array(state?.Values, length),
            ExchangeArrays(file, state?.Rule, length),
            file.Value(state?.StepCount),
            file.Optional(state?.LastSteps, (same, steps) => same.Array(steps, length)),
            file.Value(state?.FirstAveragedStep),
            file.Array(state?.AverageSums, length),
            file.Value(state?.EarlierCount),
            file.Array(state?.EarlierSums),
            file.Optional(state?.Whitening, (same, whitening) => CoordinateTransform.Exchange(same, whitening, layout)),
            file.Value(state?.LearningRate));
        bool fits = exchanged.StepCount >= 0 && (exchanged.EarlierSums.Length == 0 || exchanged.EarlierSums.Length == length)
            && Array.TrueForAll(exchanged.LastSteps ?? [], step => step >= 0 && step <= exchanged.StepCount);
        return fits ? exchanged : throw new FormatException();
    }

    private static Dictionary<string, float[]> ExchangeArrays(Archive file, IReadOnlyDictionary<string, float[]>? arrays, int length) =>
        new(file.List(arrays?.OrderBy(array => array.Key, StringComparer.Ordinal).ToList(),
            (same, array) => KeyValuePair.Create(same.Text(array.Key), same.Array(array.Value, length))));
}
