using System.Runtime.InteropServices;

namespace MlNetRms.Jobs;

/// <summary>
/// The shards of a job's rows, in all processes, numbered in the order of the ranks. A shard is one of the views that the caller passed, read
/// as one piece. Results are computed per shard and combined in the order of the shards, so their bits do not depend on which process has
/// which shard.
/// </summary>
internal sealed class Shards
{
    /// <summary>Sums of a gradient are exact up to this many shards (<see cref="ExactSums"/>).</summary>
    public const int MostShards = 4096;

    private readonly int[] _counts;

    /// <param name="job">The processes.</param>
    /// <param name="ownCount">Shards of this process.</param>
    /// <exception cref="InvalidOperationException">A process has no shard, or there are more than <see cref="MostShards"/>. Every process
    /// throws.</exception>
    public Shards(Job job, int ownCount)
    {
        Job = job;
        var counts = new double[job.Size];
        counts[job.Rank] = ownCount;
        job.SumExact(counts);
        _counts = Array.ConvertAll(counts, count => (int)count);
        First = _counts.Take(job.Rank).Sum();
        Count = _counts.Sum();
        if (_counts.Contains(0))
        {
            throw new InvalidOperationException(
                $"Rank {Array.IndexOf(_counts, 0)} of {_counts.Length} has no part of the rows: a job needs at least as many parts as ranks.");
        }
        if (Count > MostShards)
            throw new InvalidOperationException($"The rows of the job come in {Count} parts; at most {MostShards} are possible.");
    }

    /// <summary>The single shard of a new job of one process: a job has state, so that trainings at the same time must not share one.</summary>
    public static Shards One => new(new Job(LocalCollective.Instance), ownCount: 1);

    /// <summary>The processes.</summary>
    public Job Job { get; }

    /// <summary>Shards of all processes.</summary>
    public int Count { get; }

    /// <summary>The number of this process's first shard.</summary>
    public int First { get; }

    /// <summary>The process that has a shard.</summary>
    public int RankOf(int shard)
    {
        int rank = 0;
        for (; shard >= _counts[rank]; rank++)
            shard -= _counts[rank];
        return rank;
    }

    /// <summary>The numbers of every shard, in order. Every process must enumerate all of them.</summary>
    /// <param name="own">The numbers of each of this process's shards, all of the same length.</param>
    public IEnumerable<double[]> InTurn(IReadOnlyList<double[]> own) => InTurn(shard => own[shard], own[0].Length);

    /// <summary>The same, with one shard's numbers in memory at a time.</summary>
    /// <param name="own">Returns the numbers of one of this process's shards. It should be cheap, because the other processes wait.</param>
    /// <param name="length">Their count.</param>
    public IEnumerable<double[]> InTurn(Func<int, double[]> own, int length)
    {
        for (int rank = 0; rank < _counts.Length; rank++)
        {
            for (int shard = 0; shard < _counts[rank]; shard++)
            {
                double[] numbers = rank == Job.Rank ? own(shard) : new double[length];
                Job.Broadcast(MemoryMarshal.AsBytes(numbers.AsSpan()), rank);
                yield return numbers;
            }
        }
    }

    /// <summary>Sums numbers over all shards, element by element, in the order of the shards.</summary>
    /// <inheritdoc cref="InTurn(IReadOnlyList{double[]})" path="/param"/>
    public double[] Sum(IReadOnlyList<double[]> own)
    {
        if (Count == 1)
            return own[0];
        var sums = new double[own[0].Length];
        foreach (double[] numbers in InTurn(own))
        {
            for (int i = 0; i < sums.Length; i++)
                sums[i] += numbers[i];
        }
        return sums;
    }
}
