using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using MlNetRms.Benchmarks.Accuracy;
using MlNetRms.Benchmarks.Accuracy.Sets;
using Options = MlNetRms.RmsPropRegressionTrainer.Options;

namespace MlNetRms.Benchmarks;

/// <summary>
/// How much models of the same data, options and seed differ on processors with other vector instructions. The program starts itself once per
/// set of instructions, with the others switched off.
/// </summary>
internal static class AgreementVerb
{
    public const string ChildVerb = "agreement-child";

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(15);

    /// <summary>Environment of each process; the others are compared with the first.</summary>
    private static readonly string[] _modes = ["", "DOTNET_EnableAVX2=0", "DOTNET_EnableHWIntrinsic=0", "DOTNET_MaxVectorTBitWidth=512"];

    private static readonly (string Name, Func<ExampleSet> Set, Func<Options> Options)[] _cases =
    [
        ("1000 × 20", () => Plain(1000, 20), () => new()),
        ("1000 × 20, textbook", () => Plain(1000, 20), () => Options.Textbook()),
        ("1000 × 20, constant rate", () => Plain(1000, 20), () => new() { LearningRateSchedule = LearningRateSchedule.Constant }),
        ("2000 × 7, polynomial", () => DenseSets.Polynomial(2000, 7, noise: 0.3, seed: 1), () => new()),
        ("2000 × 10, condition 12000", () => DenseSets.Rotated(2000, 10, 12_000, noise: 0.3, seed: 1), () => new()),
        ("1000 × 20, not decorrelated", () => Plain(1000, 20), () => new() { Decorrelate = false }),
        ("40 × 60", () => Plain(40, 60), () => new()),
        ("300 × 1000, correlation 0.3", () => DenseSets.Equicorrelated(300, 1000, 0.3, noise: 10, seed: 1), () => new()),
        ("129 × 10000 of two factors", () => DenseSets.TwoFactors(129, 10_000, seed: 1), () => new()),
        ("40 × 60, no ridge", () => Plain(40, 60), () => new() { L2Regularization = 0 }),
        ("300 × 1000, correlation 0.3, no ridge", () => DenseSets.Equicorrelated(300, 1000, 0.3, noise: 10, seed: 1),
            () => new() { L2Regularization = 0 }),
        ("500 × 2000, 20 values per row", () => ExampleSet.From(new SyntheticRows(500, 2000, nonZerosPerRow: 20)), () => new()),
        ("5000 × 300, 5 values per row", () => ExampleSet.From(new SyntheticRows(5000, 300, nonZerosPerRow: 5)), () => new()),
        ("1000 × 20, momentum 0.9", () => Plain(1000, 20), () => new() { Momentum = 0.9f, LearningRate = 0.006f }),
        ("1000 × 20, momentum 0.9, usual rate", () => Plain(1000, 20), () => new() { Momentum = 0.9f }),
        ("40 × 60, momentum 0.9", () => Plain(40, 60), () => new() { Momentum = 0.9f, LearningRate = 0.006f }),
        ("5000 × 300, 5 values per row, momentum 0.9", () => ExampleSet.From(new SyntheticRows(5000, 300, nonZerosPerRow: 5)),
            () => new() { Momentum = 0.9f, LearningRate = 0.006f }),
        ("1000 × 20, Huber, 20 epochs", () => Plain(1000, 20), () => new() { LossFunction = new HuberLoss(0.5f), NumberOfEpochs = 20 }),
        ("1000 × 20, absolute, 20 epochs", () => Plain(1000, 20), () => new() { LossFunction = new AbsoluteLoss(), NumberOfEpochs = 20 }),
        ("1000 × 20, quantile 0.9, 20 epochs", () => Plain(1000, 20), () => new() { LossFunction = new QuantileLoss(0.9f), NumberOfEpochs = 20 }),
        ("2000 × 10, condition 12000, absolute, 20 epochs", () => DenseSets.Rotated(2000, 10, 12_000, noise: 0.3, seed: 1),
            () => new() { LossFunction = new AbsoluteLoss(), NumberOfEpochs = 20 }),
        ("1000 × 20, Huber", () => Plain(1000, 20), () => new() { LossFunction = new HuberLoss(0.5f) }),
        ("1000 × 20, absolute", () => Plain(1000, 20), () => new() { LossFunction = new AbsoluteLoss() }),
        ("1000 × 20, L1", () => Plain(1000, 20), () => new() { L1Regularization = 0.05f }),
        ("1000 × 20, centered", () => Plain(1000, 20), () => new() { Centered = true }),
    ];

    public static void Run(Arguments arguments)
    {
        Report.Header();
        var cases = arguments.Select(_cases, one => one.Name);
        Result[] results = [.. _modes.Select(mode => Measured(mode, arguments.Only))];
        Report.Table(["set and options", "predictions", "weights"], [.. cases.Select((one, i) =>
        {
            (double Predictions, double Weights)[] distances = [.. results.Skip(1).Select(other => Distance(results[0].Models[i], other.Models[i]))];
            return (string[])[one.Name, Short(distances.Max(distance => distance.Predictions)), Short(distances.Max(distance => distance.Weights))];
        })]);
        Console.WriteLine($"""
            - Largest difference from the first of {_modes.Length} runs: as is, and with {string.Join(", ", _modes.Skip(1))}; vectors of
              {string.Join(", ", results.Select(result => result.VectorBits))} bits.
            - Predictions: differences on the training rows, divided by the label's standard deviation. Weights: differences, each multiplied by the
              standard deviation of its column, divided by the largest weight so multiplied. 0: identical bits.
            """);
    }

    /// <summary>Runs in the child process: fits all cases and prints one line.</summary>
    public static int RunChild(string[] arguments)
    {
        Model[] models = [.. _cases.Where(one => one.Name.Contains(arguments[0], StringComparison.OrdinalIgnoreCase))
            .Select(one => Fitted(one.Set(), one.Options()))];
        Console.WriteLine(JsonSerializer.Serialize(new Result(Vector<byte>.Count * 8, models)));
        return 0;
    }

    private static Model Fitted(ExampleSet set, Options options)
    {
        LinearFit fit = Contenders.FitRmsProp(set, options);
        double[] predictions = [.. Enumerable.Range(0, set.Count).Select(row => fit.Predict(set.Features(row)))];
        var sums = new double[set.FeatureCount];
        var squares = new double[set.FeatureCount];
        using IncrementalHash data = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        data.AppendData(MemoryMarshal.AsBytes(set.Labels));
        for (int row = 0; row < set.Count; row++)
        {
            data.AppendData(MemoryMarshal.AsBytes(set.Features(row).GetValues()));
            foreach ((int column, float value) in set.Features(row).Items())
            {
                sums[column] += value;
                squares[column] += (double)value * value;
            }
        }
        double[] weights = [.. fit.Weights.Select((weight, i) =>
            weight * Math.Sqrt(Math.Max(0, squares[i] / set.Count - Math.Pow(sums[i] / set.Count, 2))))];
        return new Model(Convert.ToHexString(data.GetHashAndReset()), set.LabelDeviation, predictions, weights);
    }

    private static Result Measured(string mode, string only)
    {
        Console.Error.WriteLine($"{(mode.Length > 0 ? mode : "as is")} …");
        (string output, string? failure) = ChildProcess.RunSelf([ChildVerb, only], _timeout,
            [.. _modes.Skip(1).Select(other => (other.Split('=')[0], other == mode ? other.Split('=')[1] : null))]);
        return failure is null ? JsonSerializer.Deserialize<Result>(output)! : throw new InvalidOperationException($"{mode}: {failure}");
    }

    private static (double Predictions, double Weights) Distance(Model expected, Model actual) => expected.Data != actual.Data
        ? throw new InvalidOperationException("The data differ.")
        : (Largest(expected.Predictions, actual.Predictions) / expected.LabelDeviation,
            Largest(expected.Weights, actual.Weights) / expected.Weights.Max(Math.Abs));

    private static double Largest(double[] expected, double[] actual) => expected.Zip(actual, (x, y) => Math.Abs(x - y)).Max();

    private static string Short(double distance) => distance == 0 ? "0" : Report.Invariant($"{distance:0.0e0}");

    private static ExampleSet Plain(int rows, int columns) => ExampleSet.From(new SyntheticRows(rows, columns));

    private sealed record Result(int VectorBits, Model[] Models);

    private sealed record Model(string Data, double LabelDeviation, double[] Predictions, double[] Weights);
}
