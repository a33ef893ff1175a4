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

const string Help = """
    Trains one model over the ranks of an MPI job. Rank 0 writes a file of 40 000
    rows, each rank reads its share, and rank 0 prints the SHA-256 of the model.

    usage: dotnet run --project samples/Mpi [-- options]
           mpirun -n N dotnet samples/Mpi/bin/Release/net10.0/Mpi.dll [options]

      --output DIR    where rows.csv goes, a folder that all ranks see
                      (default: samples/Mpi/output)
      --help          this text
    """;
return CommandLine.Run(args, Help, commandLine =>
{
    string path = Path.Combine(OutputFolder.Made(commandLine["--output"]), "rows.csv");
    MpiJob.Run(job =>
    {
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
            Console.WriteLine($"ranks {job.Size}, parts {PartCount}, rows {model.Training.RowsUsed}, R² {model.Training.RSquared:f4}");
            Console.WriteLine($"model {Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(parameters)))}");
            Console.WriteLine($"computing {(time - collective.Time).TotalSeconds:f2} s, communicating {collective.Time.TotalSeconds:f2} s");
        }
    });
    return 0;
});
