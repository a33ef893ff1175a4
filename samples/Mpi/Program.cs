using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetRms;
using MlNetRms.Mpi;
using MlNetRms.Samples;

const int RowCount = 40_000;
const int PartCount = 8;

MpiJob.Run(job =>
{
    string path = args.Length > 0 ? args[0] : Path.Combine(Path.GetTempPath(), "mlnetrms-mpi.csv");
    if (job.Rank == 0)
        RowsFile.Write(path, RowCount);
    job.Barrier();

    // The parts decide the model, not the ranks that share them.
    var ml = new MLContext();
    TextLoader loader = ml.Data.CreateTextLoader(
        [new("Label", DataKind.Single, 0), new("Features", DataKind.Single, 1, RowsFile.FeatureCount)], separatorChar: ',');
    IDataView[] parts = [.. job.ShareOf(TextFilePart.Divide(path, PartCount)).Select(part => loader.Load(part))];

    var collective = new TimedCollective(job);
    long start = Stopwatch.GetTimestamp();
    RmsPropRegressionTransformer model = ml.Regression.Trainers
        .RmsProp(new RmsPropRegressionTrainer.Options { Collective = collective, NumberOfThreads = 1 })
        .FitParts(parts);
    TimeSpan time = Stopwatch.GetElapsedTime(start);

    if (job.Rank == 0)
    {
        float[] parameters = [.. model.Model.Weights, model.Model.Bias];
        Console.WriteLine($"{job.Size} ranks, {PartCount} parts, {model.Training.RowsUsed} rows, R² {model.Training.RSquared:f4}");
        Console.WriteLine($"model {Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(parameters)))}");
        Console.WriteLine($"computing {(time - collective.Time).TotalSeconds:f2} s, communicating {collective.Time.TotalSeconds:f2} s");
    }
});
