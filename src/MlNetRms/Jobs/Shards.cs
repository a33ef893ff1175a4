using System.Runtime.InteropServices;
using MlNetRms.Host;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Jobs;

/// <summary>
/// The parts in which the rows of a job come: those of this process and those of the others, numbered in the order of the ranks. What is
/// computed here is computed part by part and joined in the order of the parts, so that its bits do not depend on which process has which.
/// </summary>
internal sealed class Shards
{
    /// <summary>Sums of a gradient are exact up to so many parts (<see cref="ExactSums"/>).</summary>
    public const int MostParts = 4096;

    private readonly int[] _counts;

    /// <param name="job">The processes.</param>
    /// <param name="ownCount">Parts of this process.</param>
    /// <exception cref="InvalidOperationException">A process has no part, or there are more than <see cref="MostParts"/>; in every process.</exception>
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
            throw new InvalidOperationException($"Rank {Array.IndexOf(_counts, 0)} of {_counts.Length} has no part of the rows: a job needs at least as many parts as ranks.");
        if (Count > MostParts)
            throw new InvalidOperationException($"The rows of the job come in {Count} parts; at most {MostParts} are possible.");
    }

    /// <summary>All the rows of a job of one process, undivided.</summary>
    public static Shards One { get; } = new(new Job(LocalCollective.Instance), ownCount: 1);

    /// <summary>The processes.</summary>
    public Job Job { get; }

    /// <summary>Parts of all processes.</summary>
    public int Count { get; }

    /// <summary>The number of this process's first part.</summary>
    public int First { get; }

    /// <summary>The process that has a part.</summary>
    public int RankOf(int part)
    {
        int rank = 0;
        for (; part >= _counts[rank]; rank++)
            part -= _counts[rank];
        return rank;
    }

    /// <summary>Numbers of all parts, part by part. Every process must take them all.</summary>
    /// <param name="own">Those of each of this process's parts, all of the same length.</param>
    public IEnumerable<double[]> InTurn(IReadOnlyList<double[]> own) => InTurn(part => own[part], own[0].Length);

    /// <summary>The same with those of one part in memory at a time.</summary>
    /// <param name="own">Gives those of one of this process's parts, without much work: the others wait.</param>
    /// <param name="length">How many they are.</param>
    public IEnumerable<double[]> InTurn(Func<int, double[]> own, int length)
    {
        for (int rank = 0; rank < _counts.Length; rank++)
        {
            for (int part = 0; part < _counts[rank]; part++)
            {
                double[] numbers = rank == Job.Rank ? own(part) : new double[length];
                Job.Broadcast(MemoryMarshal.AsBytes(numbers.AsSpan()), rank);
                yield return numbers;
            }
        }
    }

    /// <summary>Adds numbers of all parts, element by element and in the order of the parts.</summary>
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
