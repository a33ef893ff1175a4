using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetRms.Kill;

/// <summary>The process to kill: reads rows that exceed the memory limit, trains, writes a checkpoint every few milliseconds, and prints the model's hash.</summary>
internal static class Training
{
    public const string Verb = "train";

    public const string Checkpoint = "training.checkpoint";

    private const int RowCount = 40_000;
    private const int FeatureCount = 40;

    /// <param name="folder">Folder for the checkpoint and the temporary file.</param>
    public static int Run(string folder)
    {
        var ml = new MLContext();
        long spilled = 0;
        RmsPropRegressionTransformer model = ml.Regression.Trainers.RmsProp(new RmsPropRegressionTrainer.Options
        {
            NumberOfEpochs = 90,
            ValidationFraction = 0.1f,
            EarlyStopping = new EarlyStopping { Patience = 90 },
            MemoryLimitInBytes = 1,
            TemporaryDirectory = folder,
            Checkpoint = new CheckpointOptions { Path = Path.Combine(folder, Checkpoint), EveryEpochs = 1, Interval = TimeSpan.FromMilliseconds(5) },
            EpochCompleted = _ => spilled = SpilledBytes(folder),
        }).Fit(Rows(ml));
        byte[] bytes = [.. model.Model.Weights.Append(model.Model.Bias).SelectMany(BitConverter.GetBytes)];
        Console.WriteLine($"{Convert.ToHexString(SHA256.HashData(bytes))} {spilled}");
        return 0;
    }

    private static IDataView Rows(MLContext ml)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, FeatureCount);
        return ml.Data.LoadFromEnumerable(Numbers(), schema);
    }

    private static IEnumerable<Row> Numbers()
    {
        var random = new Random(1);
        for (int number = 0; number < RowCount; number++)
        {
            var features = new float[FeatureCount];
            float label = random.NextSingle();
            for (int i = 0; i < FeatureCount; i++)
            {
                features[i] = 2 * random.NextSingle() - 1;
                label += features[i] * i;
            }
            yield return new Row { Features = features, Label = label };
        }
    }

    /// <summary>Size of the temporary file, which has no name.</summary>
    private static long SpilledBytes(string folder) => !OperatingSystem.IsLinux() ? 0
        : Directory.GetFiles("/proc/self/fd")
            .Where(link => new FileInfo(link).LinkTarget is { } target
                && target.StartsWith(folder, StringComparison.Ordinal) && !target.EndsWith(".lock", StringComparison.Ordinal))
            .Sum(link =>
            {
                using FileStream file = File.OpenRead(link);
                return file.Length;
            });

    private sealed class Row
    {
        public required float[] Features { get; init; }

        public required float Label { get; init; }
    }
}
