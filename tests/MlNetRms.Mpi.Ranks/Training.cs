using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetRms.Mpi.Ranks;

/// <summary>Trains a model on rows in parts of different lengths.</summary>
internal static class Training
{
    private const int Columns = 6;

    private static readonly int[] _rowsOfParts = [3000, 1, 700, 0, 2500, 40, 999];

    /// <summary>The SHA-256 of weights and bias.</summary>
    /// <param name="collective">The processes.</param>
    /// <param name="arguments">Optional: the path of the checkpoint, and the epoch in which rank 1 waits to be killed.</param>
    public static string Hash(ICollective collective, string[] arguments)
    {
        int waiting = arguments.Length > 1 && collective.Rank == 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : -1;
        var ml = new MLContext();
        IDataView[] parts = [.. collective.ShareOf([.. Enumerable.Range(0, _rowsOfParts.Length)])
            .Select(part => ml.Data.LoadFromEnumerable(Rows(part)))];
        RmsPropRegressionTransformer model = ml.Regression.Trainers.RmsProp(new RmsPropRegressionTrainer.Options
        {
            Collective = collective,
            // MPICH's ranks spin while they wait. With more ranks than cores, a step takes as long as the system's time slices.
            NumberOfEpochs = 12,
            Checkpoint = arguments.Length > 0 ? new CheckpointOptions { Path = arguments[0], EveryEpochs = 1 } : null,
            EpochCompleted = progress =>
            {
                Console.WriteLine(FormattableString.Invariant($"rank {collective.Rank} has done epoch {progress.Report.Epoch}"));
                if (progress.Report.Epoch == waiting)
                    Thread.Sleep(TimeSpan.FromMinutes(5));     // longer than a test waits
            },
        }).FitParts(parts);
        return Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>([.. model.Model.Weights, model.Model.Bias])));
    }

    private static Example[] Rows(int part)
    {
        var random = new Random(part);
        return [.. Enumerable.Range(0, _rowsOfParts[part]).Select(_ =>
        {
            float[] features = [.. Enumerable.Range(1, Columns).Select(size => (float)(size * random.NextDouble()))];
            return new Example { Features = features, Label = (float)(features.Sum() + part + random.NextDouble()) };
        })];
    }

    private sealed class Example
    {
        [VectorType(Columns)]
        public float[] Features { get; set; } = [];

        public float Label { get; set; }
    }
}
