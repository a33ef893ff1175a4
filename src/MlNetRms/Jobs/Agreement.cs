using System.Text;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Jobs;

/// <summary>
/// Checks that the processes of a job begin the same training. Otherwise they would wait for each other for ever, or train different models without
/// noticing.
/// </summary>
internal static class Agreement
{
    /// <summary>Compares the values of each process with those of rank 0.</summary>
    /// <param name="job">The processes.</param>
    /// <param name="mine">The values that must be the same in all of them.</param>
    /// <exception cref="InvalidOperationException">They differ. The message, the same in every process, names the first difference with both
    /// values.</exception>
    public static void Check(Job job, IReadOnlyList<NamedText> mine)
    {
        if (job.Size == 1)
            return;
        IReadOnlyList<NamedText> first = ShareThoseOfRankZero(job, mine);
        (string Name, string Mine, string Theirs)? difference = NamedText.FirstDifference(first, mine);
        int index = first.TakeWhile(fact => fact.Name != difference?.Name).Count();

        // Finds the earliest difference and the lowest rank that has it. The least number is the negative of the largest negative.
        Span<double> earliest = [-((double)index * job.Size + job.Rank)];
        job.Max(earliest);
        (long earliestIndex, long rank) = Math.DivRem((long)-earliest[0], job.Size);
        if (earliestIndex == first.Count)
            return;
        string theirs = Encoding.UTF8.GetString(job.BroadcastAny(Encoding.UTF8.GetBytes(difference?.Theirs ?? ""), (int)rank));
        (string name, string text) = first[(int)earliestIndex];
        throw new InvalidOperationException(
            $"The processes of the job do not agree on {name}: rank 0 has {text}, rank {rank} has {theirs}. All must train with the same.");
    }

    private static IReadOnlyList<NamedText> ShareThoseOfRankZero(Job job, IReadOnlyList<NamedText> mine)
    {
        using var written = new MemoryStream();
        Archive.ToWrite(written).List(mine, NamedText.Exchange);
        byte[] bytes = job.BroadcastAny(written.ToArray(), root: 0);
        return Archive.ToRead(new MemoryStream(bytes), bytes.Length).List<NamedText>(items: null, NamedText.Exchange);
    }
}
