using System.Runtime.InteropServices;
using MlNetRms.Jobs;

namespace MlNetRms.Rows;

/// <summary>Rows of a job: this process's shards, and sums over the shards of all processes.</summary>
internal sealed class RowSet
{
    private readonly Shards _job;
    private readonly long[] _rowCounts;

    /// <param name="own">This process's shards; some can be empty.</param>
    /// <param name="job">All shards.</param>
    public RowSet(IReadOnlyList<PackedRows> own, Shards job)
    {
        Shards = own;
        _job = job;
        _rowCounts = [.. InTurn(shard => [shard.RowCount]).Select(count => (long)count[0])];
        RowCount = _rowCounts.Sum();
    }

    /// <summary>This process's shards.</summary>
    public IReadOnlyList<PackedRows> Shards { get; }

    /// <summary>The number, within the job, of this process's first shard.</summary>
    public int FirstShard => _job.First;

    public RowLayout Layout => Shards[0].Layout;

    /// <summary>Rows of all shards.</summary>
    public long RowCount { get; }

    /// <summary>Rows of each shard of the job.</summary>
    public IReadOnlyList<long> RowCounts => _rowCounts;

    /// <summary>Whether there is more than one shard.</summary>
    public bool IsDivided => _job.Count > 1;

    /// <summary>The rows of a job of one process, as a single shard.</summary>
    public static implicit operator RowSet(PackedRows rows) => new([rows], Jobs.Shards.One);

    /// <summary>Sums numbers over all shards, in their order.</summary>
    /// <param name="ofShard">Computes the numbers of one shard; the same count for each.</param>
    public double[] Sum(Func<PackedRows, double[]> ofShard) => Sum([.. Shards.Select(ofShard)]);

    /// <summary>The same for numbers that have been computed.</summary>
    public double[] Sum(IReadOnlyList<double[]> own) => _job.Sum(own);

    /// <inheritdoc cref="Sum(IReadOnlyList{double[]})"/>
    public float[] Sum(IReadOnlyList<float[]> own) => !IsDivided ? own[0]
        : Array.ConvertAll(_job.Sum([.. own.Select(numbers => Array.ConvertAll(numbers, value => (double)value))]), value => (float)value);

    /// <summary>Sends numbers of one shard to every process.</summary>
    /// <param name="shard">Its number in the job.</param>
    /// <param name="length">How many numbers there are.</param>
    /// <param name="ofShard">Computes them from the shard; called in the process that has it.</param>
    public float[] Broadcast(int shard, int length, Func<PackedRows, float[]> ofShard)
    {
        int rank = _job.RankOf(shard);
        float[] numbers = rank == _job.Job.Rank ? ofShard(Shards[shard - FirstShard]) : new float[length];
        _job.Job.Broadcast(MemoryMarshal.AsBytes(numbers.AsSpan()), rank);
        return numbers;
    }

    /// <summary>The numbers of every shard, in order. Every process must enumerate all of them.</summary>
    /// <inheritdoc cref="Sum(Func{PackedRows, double[]})" path="/param"/>
    public IEnumerable<double[]> InTurn(Func<PackedRows, double[]> ofShard) => _job.InTurn([.. Shards.Select(ofShard)]);

    /// <summary>The most rows that one shard can have in a batch of this size. Each shard gives its share.</summary>
    public int LargestRun(int batchSize) => (int)(((Int128)batchSize * _rowCounts.Max() + RowCount - 1) / RowCount);

    /// <summary>How many rows one shard gives to a sample of all rows.</summary>
    public long ShareOf(PackedRows shard, long sample) => sample == RowCount ? shard.RowCount : (long)((Int128)sample * shard.RowCount / RowCount);
}
