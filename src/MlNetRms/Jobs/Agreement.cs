using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MlNetRms.Host;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Jobs;

/// <summary>Whether the processes of a job set out for the same training: otherwise they would wait for each other for ever, or not know that they differ.</summary>
internal static class Agreement
{
    private const int HashBits = 48;

    /// <param name="job">The processes.</param>
    /// <param name="settings">All settings.</param>
    /// <param name="columns">The columns of the training rows.</param>
    /// <param name="hasValidationData">Whether there are views of validation rows.</param>
    /// <param name="start">Where the training begins.</param>
    /// <exception cref="InvalidOperationException">They differ; in every process, with what differs.</exception>
    public static void Alike(Job job, TrainingSettings settings, InputColumns columns, bool hasValidationData, TrainingStart start)
    {
        if (job.Size == 1)
            return;
        (string What, double Hash)[] items =
        [
            ("the length of the vector instructions", Vector<float>.Count),
            ("the number of features", columns.FeatureCount),
            ("whether they have validation rows", hasValidationData ? 1 : 0),
            ("their options", Hash(Encoding.UTF8.GetBytes(Text(settings)))),
            ("the weights they start from", start.Raw() is { } raw ? Hash(MemoryMarshal.AsBytes<float>([.. raw.Weights, raw.Bias])) : -1),
        ];
        // The least is the negative of the largest negative.
        double[] largest = [.. items.Select(item => item.Hash), .. items.Select(item => -item.Hash)];
        job.Max(largest);
        for (int i = 0; i < items.Length; i++)
        {
            if (largest[i] != -largest[items.Length + i])
                throw new InvalidOperationException($"The processes of the job do not agree on {items[i].What}. All must train with the same.");
        }
    }

    /// <summary>All that decides the model, and whether there is a checkpoint; threads and memory may differ.</summary>
    private static string Text(TrainingSettings settings) => string.Join('\n',
        settings.Reading with { NumberOfThreads = 0, MemoryLimit = null, TemporaryDirectory = null },
        settings.Plan with { NumberOfThreads = 0 }, settings.Rule, settings.LearningRate, settings.Loss.Name, settings.Penalties,
        settings.Decorrelate, settings.Stopping, settings.Columns.Weight is null, settings.Checkpoint is null);

    private static double Hash(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(bytes)) >> (64 - HashBits);
}
