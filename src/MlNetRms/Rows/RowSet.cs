using System.Runtime.InteropServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Rows;

/// <summary>Rows of a job: those of this process's parts, and what they add up to with those of all other parts.</summary>
internal sealed class RowSet
{
    private readonly Shards _job;
    private readonly long[] _rowCounts;

    /// <param name="parts">The rows of each of this process's parts; some can be empty.</param>
    /// <param name="job">All parts.</param>
    public RowSet(IReadOnlyList<PackedRows> parts, Shards job)
    {
        Parts = parts;
        _job = job;
        _rowCounts = [.. InTurn(part => [part.RowCount]).Select(count => (long)count[0])];
        RowCount = _rowCounts.Sum();
    }

    /// <summary>This process's parts.</summary>
    public IReadOnlyList<PackedRows> Parts { get; }

    /// <summary>The number of the first of them in the job.</summary>
    public int FirstPart => _job.First;

    public RowLayout Layout => Parts[0].Layout;

    /// <summary>Rows of all parts.</summary>
    public long RowCount { get; }

    /// <summary>Rows of each part of the job.</summary>
    public IReadOnlyList<long> RowCounts => _rowCounts;

    /// <summary>Whether there is more than one part.</summary>
    public bool IsDivided => _job.Count > 1;

    /// <summary>The rows of one process, undivided.</summary>
    public static implicit operator RowSet(PackedRows rows) => new([rows], Shards.One);

    /// <summary>Adds up over all parts, in their order.</summary>
    /// <param name="ofPart">The numbers of one part, as many for each.</param>
    public double[] Sum(Func<PackedRows, double[]> ofPart) => Sum([.. Parts.Select(ofPart)]);

    /// <summary>The same for numbers that this process's parts already have.</summary>
    public double[] Sum(IReadOnlyList<double[]> own) => _job.Sum(own);

    /// <inheritdoc cref="Sum(IReadOnlyList{double[]})"/>
    public float[] Sum(IReadOnlyList<float[]> own) => !IsDivided ? own[0]
        : Array.ConvertAll(_job.Sum([.. own.Select(numbers => Array.ConvertAll(numbers, value => (double)value))]), value => (float)value);

    /// <summary>Numbers of one part, in every process.</summary>
    /// <param name="part">Its number in the job.</param>
    /// <param name="length">How many they are.</param>
    /// <param name="ofPart">The numbers of one of this process's parts.</param>
    public float[] Of(int part, int length, Func<PackedRows, float[]> ofPart)
    {
        int rank = _job.RankOf(part);
        float[] numbers = rank == _job.Job.Rank ? ofPart(Parts[part - FirstPart]) : new float[length];
        _job.Job.Broadcast(MemoryMarshal.AsBytes(numbers.AsSpan()), rank);
        return numbers;
    }

    /// <summary>Numbers of all parts, part by part; every process must take them all.</summary>
    /// <inheritdoc cref="Sum(Func{PackedRows, double[]})" path="/param"/>
    public IEnumerable<double[]> InTurn(Func<PackedRows, double[]> ofPart) => _job.InTurn([.. Parts.Select(ofPart)]);

    /// <summary>Most rows that a part can have in a batch of so many rows, of which each part gives its share.</summary>
    public int LargestRun(int batchSize) => (int)(((Int128)batchSize * _rowCounts.Max() + RowCount - 1) / RowCount);

    /// <summary>How many of a sample of all rows one part gives: its share.</summary>
    public long ShareOf(PackedRows part, long sample) => sample == RowCount ? part.RowCount : (long)((Int128)sample * part.RowCount / RowCount);
}
