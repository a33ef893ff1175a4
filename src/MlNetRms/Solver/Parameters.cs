using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;


namespace MlNetRms.Solver;

/// <summary>
/// The parameters and all that a step changes with them: the update rule's state and the running average. Owner of both ways
/// of keeping the weights of sparse columns (a step changes all of them, or only those that its batch touches), and of the coordinates
/// of the dense columns: predictions need weights, steps and averages are taken in coordinates.
/// </summary>
internal sealed class Parameters : IDisposable
{
    private readonly float[] _values;
    private readonly float[] _coordinates;
    private readonly float[] _coordinateGradient;
    private readonly IWeightTransform? _transform;
    private readonly RuleSettings _ruleSettings;
    private readonly Average _average;
    private readonly LazyWeights? _touched;
    private readonly AveragingPlan _averaging;
    private readonly float _learningRate;

    /// <param name="layout">The order of the parameters.</param>
    /// <param name="rule">How they change.</param>
    /// <param name="touchedOnly">Whether a step changes only those weights of sparse columns that its batch touches; see <see cref="CanUpdateTouchedOnly"/>.</param>
    /// <param name="learningRate">η before the schedule.</param>
    /// <param name="averaging">The steps whose parameters count in <see cref="Mean"/>.</param>
    /// <param name="start">First values by column, the bias last.</param>
    /// <param name="ridge">See <see cref="LazyWeights"/>.</param>
    /// <param name="transform">The coordinates of the dense columns; null to step their weights.</param>
    /// <param name="partEnds">See <see cref="LazyWeights"/>.</param>
    public Parameters(ParameterLayout layout, RuleSettings rule, bool touchedOnly, float learningRate, AveragingPlan averaging, ReadOnlySpan<float> start,
        float[]? ridge = null, IWeightTransform? transform = null, IReadOnlyList<int>? partEnds = null)
    {
        Layout = layout;
        _ruleSettings = rule;
        _learningRate = learningRate;
        _averaging = averaging;
        _values = new float[layout.Length];
        layout.Arrange(start, _values);
        layout.SetConstants(_values);
        _transform = transform;
        _coordinates = transform is null ? _values : [.. _values];
        _coordinateGradient = transform is null ? [] : new float[layout.Length];
        if (transform is not null)
            transform.ToCoordinates(_coordinates.AsSpan(0, layout.DenseCount));
        int steppedLength = touchedOnly ? layout.DenseLength : layout.Length;
        GradientLength = steppedLength;
        var dense = new RmsPropRule(rule, steppedLength);
        Rule = dense;
        CoordinatesToValues();
        _average = new Average(steppedLength, averaging.Begin);
        if (touchedOnly)
            _touched = new LazyWeights(_values, layout.DenseLength, rule, dense, learningRate, ridge, averaging.Begin, partEnds);
    }

    public ParameterLayout Layout { get; }

    /// <summary>How the parameters change by their gradient.</summary>
    public IUpdateRule Rule { get; }

    /// <summary>The current parameters, laid out as <see cref="Layout"/> says.</summary>
    public ReadOnlySpan<float> Values => _values;

    /// <summary>Length of the gradient that <see cref="Step"/> takes: of all parameters, or of the dense part.</summary>
    public int GradientLength { get; }

    public long StepCount => Rule.StepCount;

    /// <summary>Whether every parameter and what the rule keeps for it is finite.</summary>
    // Where the square of a gradient is beyond float, every later step is 0: the weights stay finite and learn nothing.
    public bool AreFinite => MomentKernels.AllFinite(_coordinates.AsSpan(0, GradientLength)) && Rule.State.All(array => MomentKernels.AllFinite(array.Values)) &&
        _touched is not { IsFinite: false };

    /// <summary>Threads that step touched weights.</summary>
    public int PartCount => _touched?.PartCount ?? 1;

    /// <summary>Whether a step may leave untouched weights for later: nothing but their own gradient changes them.</summary>
    public static bool CanUpdateTouchedOnly(ParameterLayout layout, RuleSettings rule, PenaltySettings penalties, LearningRateSettings learningRate) =>
        layout.SparseLength > 0 && penalties.LeavesUntouchedWeightsAlone &&
        (rule.Momentum == 0 || learningRate.IsConstant);

    /// <summary>What takes the gradient of the sparse columns; null if there is none.</summary>
    /// <param name="gradient">The gradient that will be passed to <see cref="Step"/>.</param>
    public ISparseGradient? SparseGradient(float[] gradient) => Layout.SparseLength == 0 ? null
        : _touched is not null ? _touched : new SparseGradient(gradient.AsMemory(Layout.DenseLength));

    /// <summary>Takes one step.</summary>
    /// <param name="gradient">Mean gradient of the batch.</param>
    /// <param name="batchRows">Its rows, by whose number the gradient of touched weights is still to be divided.</param>
    /// <param name="learningRate">η of this step.</param>
    public void Step(ReadOnlySpan<float> gradient, long batchRows, float learningRate)
    {
        Rule.Step(_coordinates.AsSpan(0, GradientLength), ToCoordinates(gradient), learningRate);
        CoordinatesToValues();
        _touched?.Step(learningRate, gradientFactor: (float)(1.0 / batchRows));
    }

    /// <summary>Applies a penalty and a lower bound to the parameters after a step; see <see cref="IUpdateRule.Shrink"/>.</summary>
    public void StepProximal(ReadOnlySpan<float> penalty, ReadOnlySpan<float> lower, float learningRate) =>
        Rule.Shrink(_values.AsSpan(0, GradientLength), penalty, lower, learningRate);

    /// <summary>Takes the parameters after a step into the average.</summary>
    public void AddToAverage()
    {
        _average.Add(StepCount - 1, _coordinates);
        if (_averaging.RestartsAfter(StepCount))
        {
            _average.Restart(StepCount);
            _touched?.RestartAverage();
        }
        else if (_averaging.DropsEarlierAfter(StepCount))
        {
            _average.DropEarlier();
            _touched?.Average.DropEarlier();
        }
    }

    /// <summary>By column, the mean over the averaged steps so far, or the current parameters where there is none.</summary>
    public double[] Mean()
    {
        var mean = new double[Layout.Length];
        _average.Mean(StepCount, _coordinates, mean);
        _transform?.ToWeights(mean.AsSpan(0, Layout.DenseCount));
        _touched?.Mean(mean.AsSpan(Layout.DenseLength));
        return Layout.ByColumn<double>(mean);
    }

    /// <summary>All that changes, as plain data.</summary>
    public ParameterState Save()
    {
        Dictionary<string, float[]> state = Rule.State.ToDictionary(array => array.Name, array => Padded(array.Values));
        var sums = new double[Layout.Length];
        double[] earlierSums = _average.EarlierSums is { } earlier ? [.. earlier, .. _touched?.Average.EarlierSums ?? []] : [];
        _average.Sums.CopyTo(sums, 0);
        long[]? lastSteps = null;
        if (_touched is not null)
        {
            lastSteps = new long[Layout.Length];
            Array.Fill(lastSteps, StepCount);
            _touched.Save(state, Layout.DenseLength, lastSteps.AsSpan(Layout.DenseLength));
            _touched.Average.Sums.CopyTo(sums, Layout.DenseLength);
        }
        return new ParameterState(
            Layout.ByColumn<float>(Stepped()),
            state.ToDictionary(array => array.Key, array => Layout.ByColumn<float>(array.Value)),
            StepCount,
            lastSteps is null ? null : Layout.ByColumn<long>(lastSteps),
            _average.FirstStep,
            Layout.ByColumn<double>(sums),
            _average.EarlierCount,
            earlierSums.Length > 0 ? Layout.ByColumn<double>(earlierSums) : [],
            _transform,
            _learningRate);
    }

    /// <summary>Continues from a state. Its average is continued if it is that of the same training or began at the same step, else it begins now.</summary>
    public void Restore(ParameterState saved)
    {
        if (saved.LastSteps is not null && (_touched is null || saved.LearningRate != _learningRate))
            saved = UpToDate(saved);
        Layout.Arrange<float>(saved.Values, _coordinates);
        if (_transform is not null)
            _coordinates.AsSpan(Layout.DenseLength).CopyTo(_values.AsSpan(Layout.DenseLength));
        CoordinatesToValues();
        Layout.SetConstants(_values);
        var state = new Dictionary<string, float[]>();
        foreach ((string name, float[] values) in Rule.State)
        {
            state[name] = new float[Layout.Length];
            Layout.Arrange<float>(saved.Rule[name], state[name]);
            state[name].AsSpan(0, GradientLength).CopyTo(values);
        }
        Rule.Restore(saved.StepCount);
        if (_averaging.HasSums(saved.FirstAveragedStep, saved.StepCount))
            RestoreAverage(saved);
        if (_touched is null)
            return;
        var lastSteps = new long[Layout.Length];
        if (saved.LastSteps is null)
        {
            Array.Fill(lastSteps, StepCount);
            AddToSums(_touched.Average.Sums, -1);        // touched weights are added when they are next touched
        }
        else
        {
            Layout.Arrange<long>(saved.LastSteps, lastSteps);
        }
        _touched.Restore(state, Layout.DenseLength, StepCount, lastSteps.AsSpan(Layout.DenseLength));
    }

    public void Dispose() => _touched?.Dispose();

    private void RestoreAverage(ParameterState saved)
    {
        var sums = new double[Layout.Length];
        var earlierSums = new double[Layout.Length];
        Layout.Arrange<double>(saved.AverageSums, sums);
        Layout.Arrange<double>(saved.EarlierSums, earlierSums);
        int length = GradientLength;
        _average.Restore(saved.FirstAveragedStep, sums.AsSpan(0, length), saved.EarlierCount, earlierSums.AsSpan(0, length));
        _touched?.Average.Restore(saved.FirstAveragedStep, sums.AsSpan(length), saved.EarlierCount, earlierSums.AsSpan(length));
    }

    private ReadOnlySpan<float> ToCoordinates(ReadOnlySpan<float> gradient)
    {
        if (_transform is null)
            return gradient;
        Span<float> coordinateGradient = _coordinateGradient.AsSpan(0, GradientLength);
        _transform.ToCoordinateGradient(gradient, coordinateGradient);
        gradient[Layout.DenseCount..].CopyTo(coordinateGradient[Layout.DenseCount..]);
        return coordinateGradient;
    }

    /// <summary>Everything but the dense weights is its own coordinate; touched weights are kept among the values alone.</summary>
    private void CoordinatesToValues()
    {
        if (_transform is null)
            return;
        _coordinates.AsSpan(Layout.DenseCount, GradientLength - Layout.DenseCount).CopyTo(_values.AsSpan(Layout.DenseCount));
        _transform.ToWeights(_coordinates, _values);
        Layout.SetConstants(_values);
    }

    private float[] Padded(float[] values) => [.. values, .. new float[Layout.Length - values.Length]];

    /// <summary>What is stepped: coordinates, and the weights of touched columns.</summary>
    private float[] Stepped() =>
        [.. _coordinates.AsSpan(0, GradientLength), .. _values.AsSpan(GradientLength)];

    /// <summary>The same state with the means and the drift of untouched weights made up for.</summary>
    private ParameterState UpToDate(ParameterState saved)
    {
        using var same = new Parameters(Layout, _ruleSettings, touchedOnly: true, saved.LearningRate, new(0, saved.FirstAveragedStep, 0), saved.Values,
            transform: saved.Transform);
        same.Restore(saved);
        same._touched!.BringUpToDate();
        ParameterState upToDate = same.Save();
        var sums = new double[Layout.Length];
        Layout.Arrange<double>(upToDate.AverageSums, sums);
        same.AddToSums(sums.AsSpan(Layout.DenseLength), 1);
        return upToDate with { LastSteps = null, AverageSums = Layout.ByColumn<double>(sums) };
    }

    /// <summary>Adds the weights of sparse columns after the last step, times a factor, to the sums of an average that has begun.</summary>
    private void AddToSums(Span<double> sums, int factor)
    {
        for (int i = 0; StepCount > _average.FirstStep && i < sums.Length; i++)
            sums[i] += factor * _values[Layout.DenseLength + i];
    }
}

/// <summary>All that changes in the parameters and what belongs to them, as plain data in the order of the columns, the bias last.</summary>
/// <param name="Values">What is stepped: parameters in the units of training or, of dense columns with a transform, coordinates.</param>
/// <param name="Rule">What the update rule keeps for each parameter, by name.</param>
/// <param name="StepCount">Steps taken.</param>
/// <param name="LastSteps">For each parameter the step as of which all else is; null if that is <paramref name="StepCount"/> throughout.</param>
/// <param name="FirstAveragedStep">The first step, counted from 0, that counts in <paramref name="AverageSums"/>.</param>
/// <param name="AverageSums">Sum of each parameter over the averaged steps.</param>
/// <param name="EarlierCount">Steps that count beside those; see <see cref="AveragingPlan"/>.</param>
/// <param name="EarlierSums">Sum of each parameter over them; empty if there are none.</param>
/// <param name="Transform">From the coordinates of the dense columns to their weights; null if they are the same.</param>
/// <param name="LearningRate">η before the schedule, which tells what momentum has done since <paramref name="LastSteps"/>.</param>
internal sealed record ParameterState(
    float[] Values, IReadOnlyDictionary<string, float[]> Rule, long StepCount, long[]? LastSteps,
    long FirstAveragedStep, double[] AverageSums, long EarlierCount, double[] EarlierSums, IWeightTransform? Transform, float LearningRate)
{
    private enum TransformKind
    {
        None,
        All,
        Leading,
    }

    /// <summary>The same in the order of other columns, among which all of these are.</summary>
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
    /// <exception cref="FormatException">The parts do not fit together.</exception>
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
            ExchangeTransform(file, state?.Transform, layout.DenseCount),
            file.Value(state?.LearningRate));
        bool fits = exchanged.StepCount >= 0 && (exchanged.EarlierSums.Length == 0 || exchanged.EarlierSums.Length == length)
            && Array.TrueForAll(exchanged.LastSteps ?? [], step => step >= 0 && step <= exchanged.StepCount);
        return fits ? exchanged : throw new FormatException();
    }

    private static Dictionary<string, float[]> ExchangeArrays(Archive file, IReadOnlyDictionary<string, float[]>? arrays, int length) => new(file.List(
        arrays?.OrderBy(array => array.Key, StringComparer.Ordinal).ToList(),
        (same, array) => KeyValuePair.Create(same.Text(array.Key), same.Array(array.Value, length))));

    private static IWeightTransform? ExchangeTransform(Archive file, IWeightTransform? transform, int columns) =>
        file.Value<TransformKind>(transform switch { null => TransformKind.None, Decorrelation => TransformKind.All, _ => TransformKind.Leading }) switch
        {
            TransformKind.All => Decorrelation.Exchange(file, transform as Decorrelation, columns),
            TransformKind.Leading => LeadingDecorrelation.Exchange(file, transform as LeadingDecorrelation, columns),
            _ => null,
        };
}

/// <summary>
/// The order of the parameters: that of a packed row (<see cref="RowLayout"/>). Whatever is kept or returned is in the order of
/// the columns, with the bias behind the last.
/// </summary>
internal sealed class ParameterLayout(RowLayout rows)
{
    /// <summary>Weights of dense columns; they come first.</summary>
    public int DenseCount => rows.DenseCount;

    /// <summary>Parameters of the dense part, the constants and padding included.</summary>
    public int DenseLength => rows.DenseLength;

    /// <summary>Parameters of sparse columns, behind the dense part.</summary>
    public int SparseLength => rows.SparseCount;

    public int Length => DenseLength + SparseLength;

    public int ColumnCount => rows.ColumnCount;

    public int BiasPosition => rows.BiasLane;

    /// <summary>Where the weights are: all parameters but bias, constants and padding.</summary>
    public IReadOnlyList<Range> Weights { get; } = [new Range(0, rows.DenseCount), Range.StartAt(rows.DenseLength)];

    /// <summary>The position of a column's weight; the bias counts as the column after the last.</summary>
    public int Position(int column) => rows.Position(column);

    /// <summary>Sets what is not trained: with −1 against the label, the product of a row and the parameters is the residual.</summary>
    public void SetConstants(Span<float> parameters) => parameters[rows.LabelLane] = -1;

    /// <summary>Sets the gradient to 0 where there is no parameter: rows have the label and the example weight there.</summary>
    public void ClearConstants(Span<float> gradient) => gradient[(rows.BiasLane + 1)..DenseLength].Clear();

    /// <summary>From the order of the parameters to that of the columns.</summary>
    public T[] ByColumn<T>(ReadOnlySpan<T> parameters)
    {
        var byColumn = new T[ColumnCount + 1];
        for (int column = 0; column < byColumn.Length; column++)
            byColumn[column] = parameters[Position(column)];
        return byColumn;
    }

    /// <summary>Inverse of <see cref="ByColumn"/>; 0 where there is no column.</summary>
    public void Arrange<T>(ReadOnlySpan<T> byColumn, Span<T> parameters)
    {
        parameters.Clear();
        for (int column = 0; column < byColumn.Length; column++)
            parameters[Position(column)] = byColumn[column];
    }
}
