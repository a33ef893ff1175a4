using BenchmarkDotNet.Attributes;
using MlNetRms.Kernels;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Benchmarks.Micro;

/// <summary>The inputs of the kernels: a batch of packed rows, and one vector of each kind.</summary>
public abstract class KernelBenchmark
{
    private protected const float LearningRate = 1e-3f;

    private protected static readonly RuleSettings Rule =
        new(Alpha: 0.999f, Epsilon: 1e-2f, EpsilonPlacement.OutsideSquareRoot, BiasCorrection: false, Momentum: 0, Centered: false);

    private protected const int RowCount = 128;

    /// <summary>Floats per row.</summary>
    [Params(8, 24, 104, 1008)]
    public int Length { get; set; }

    private protected float[] Rows { get; private set; } = [];

    private protected float[] Residuals { get; private set; } = [];

    private protected float[] Parameters { get; private set; } = [];

    private protected float[] Gradient { get; private set; } = [];

    private protected float[] MeanSquare { get; private set; } = [];

    private protected float[] MeanGradient { get; private set; } = [];

    private protected float[] Velocity { get; private set; } = [];

    private protected double[] Center { get; private set; } = [];

    private protected double[] Squares { get; private set; } = [];

    private protected double[] Scale { get; private set; } = [];

    [GlobalSetup]
    public void Setup()
    {
        var random = new NormalSource(stream: 1);
        Rows = Normals(RowCount * Length);
        for (int row = 0; row < RowCount; row++)
            Rows[(row + 1) * Length - 1] = 1;
        Residuals = Normals(RowCount);
        Parameters = Normals(Length);
        Gradient = Normals(Length);
        MeanSquare = [.. Normals(Length).Select(value => value * value)];
        MeanGradient = new float[Length];
        Velocity = new float[Length];
        Center = new double[Length];
        Squares = new double[Length];
        Scale = [.. Enumerable.Repeat(1.0, Length)];

        float[] Normals(int count)
        {
            var values = new float[count];
            for (int i = 0; i < count; i++)
                values[i] = random.Next();
            return values;
        }
    }
}

public class ResidualsBenchmark : KernelBenchmark
{
    [Benchmark(Baseline = true)]
    public void Scalar() => ScalarKernels.Residuals(Rows, Parameters, Residuals);

    [Benchmark]
    public void Kernel() => LinearKernels.Residuals(Rows, Parameters, Residuals);
}

public class AddGradientBenchmark : KernelBenchmark
{
    [Benchmark(Baseline = true)]
    public void Scalar() => ScalarKernels.AddGradient(Rows, Residuals, MeanGradient);

    [Benchmark]
    public void Kernel() => LinearKernels.AddGradient(Rows, Residuals, MeanGradient);
}

public class StepBenchmark : KernelBenchmark
{
    private RmsPropRule _rule = new(Rule, parameterCount: 0);

    [Benchmark(Baseline = true)]
    public void Scalar() => ScalarKernels.Step(Parameters, MeanSquare, Velocity, Gradient,
        LearningRate, Rule.Alpha, Rule.Momentum, Rule.Epsilon, correction: 1);

    [GlobalSetup(Target = nameof(Kernel))]
    public void CreateRule()
    {
        Setup();
        _rule = new RmsPropRule(Rule, Length);
    }

    [Benchmark]
    public void Kernel() => _rule.Step(Parameters, Gradient, LearningRate);
}

public class StepCenteredBenchmark : KernelBenchmark
{
    private RmsPropRule _rule = new(Rule, parameterCount: 0);

    [Benchmark(Baseline = true)]
    public void Scalar() => ScalarKernels.StepCentered(Parameters, MeanSquare, MeanGradient, Velocity, Gradient,
        LearningRate, Rule.Alpha, Rule.Momentum, Rule.Epsilon, correction: 1);

    [GlobalSetup(Target = nameof(Kernel))]
    public void CreateRule()
    {
        Setup();
        _rule = new RmsPropRule(Rule with { Centered = true }, Length);
    }

    [Benchmark]
    public void Kernel() => _rule.Step(Parameters, Gradient, LearningRate);
}

public class AccumulateBenchmark : KernelBenchmark
{
    [Benchmark(Baseline = true)]
    public void Scalar() => ScalarKernels.Accumulate(Rows, Length - 1, weightBefore: RowCount, Center, Squares, Scale);

    [Benchmark]
    public void Kernel() => MomentKernels.Accumulate(Rows, Length - 1, blockWeight: RowCount, weightBefore: RowCount, Center, Squares, Scale);
}

public class StandardizeBenchmark : KernelBenchmark
{
    [Benchmark(Baseline = true)]
    public void Scalar() => ScalarKernels.Standardize(MeanGradient, Center, Scale);

    [Benchmark]
    public void Kernel() => MomentKernels.Standardize(MeanGradient, Center, Scale);
}

/// <summary>A step that updates few of many weights, compared with one that visits all of them.</summary>
public class SparseStepBenchmark
{
    private static readonly RmsPropRegressionTrainer.Options _options = new();
    private float[] _dense = [];
    private float[] _gradient = [];
    private float[] _values = [];
    private int[] _places = [];
    private RmsProp _optimizer = new(parameterCount: 1, alpha: 0, epsilon: 1);
    private LazyWeights _sparse = NewTouched([]);

    /// <summary>All weights.</summary>
    [Params(10_000, 100_000)]
    public int Length { get; set; }

    /// <summary>Weights that a batch updates.</summary>
    [Params(100, 6400)]
    public int Touched { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var random = new NormalSource(stream: 2);
        _dense = new float[Length];
        _gradient = new float[Length];
        _places = [.. Enumerable.Range(0, Touched).Select(k => (int)((long)k * Length / Touched))];
        _values = new float[Touched];
        for (int k = 0; k < Touched; k++)
            _gradient[_places[k]] = _values[k] = random.Next();
        _optimizer = new RmsProp(Length, _options.Alpha, _options.Epsilon, biasCorrection: true);
        _sparse = NewTouched(_dense);
    }

    [Benchmark(Baseline = true)]
    public void AllWeights() => _optimizer.Step(_dense, _gradient, _options.LearningRate);

    [Benchmark]
    public void LazyWeights()
    {
        _sparse.Add(range: 0, _places, _values, factor: 1, rowWeight: 1);
        _sparse.Step(_options.LearningRate, gradientFactor: 1);
    }

    private static LazyWeights NewTouched(float[] weights)
    {
        RuleSettings settings = _options.ToSettings().Rule;
        return new(new RmsPropRule(settings, 0), new LazyForm(settings, _options.LearningRate), weights, offset: 0,
            new Average(weights.Length, firstStep: long.MaxValue), new LazySetup(Ridge: null, [weights.Length]));
    }
}
