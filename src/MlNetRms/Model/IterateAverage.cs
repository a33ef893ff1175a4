using System.Runtime.CompilerServices;

namespace MlNetRms.Model;

/// <summary>
/// Mean of the weights over the last steps (Polyak and Juditsky 1992): the noise of single mini-batches cancels out.
/// </summary>
/// <param name="parameterCount">Length of the weights.</param>
/// <param name="firstStep">The first step, counted from 0, whose weights count.</param>
internal sealed class IterateAverage(int parameterCount, long firstStep)
{
    /// <summary>The first step that counts in <see cref="Sums"/>.</summary>
    public long FirstStep { get; private set; } = firstStep;

    /// <summary>Sum of the weights after each step that counted.</summary>
    public double[] Sums { get; private set; } = new double[parameterCount];

    /// <summary>Steps that count beside those.</summary>
    public long EarlierCount { get; private set; }

    /// <summary>Sum of the weights after each of them; null where there are none.</summary>
    public double[]? EarlierSums { get; private set; }

    /// <summary>Takes in the weights after a step, if that step counts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(long step, ReadOnlySpan<float> parameters)
    {
        if (step < FirstStep)
            return;
        double[] sums = Sums;
        for (int i = 0; i < sums.Length; i++)
            sums[i] += parameters[i];
    }

    /// <summary>Makes the sums so far the earlier ones, in place of those, and begins new ones.</summary>
    public void Restart(long stepCount)
    {
        EarlierCount = stepCount - FirstStep;
        (EarlierSums, Sums) = (Sums, EarlierSums ?? new double[parameterCount]);
        Array.Clear(Sums);
        FirstStep = stepCount;
    }

    /// <summary>From now on only <see cref="Sums"/> counts.</summary>
    public void DropEarlier() => (EarlierCount, EarlierSums) = (0, null);

    /// <summary>Steps that have counted after so many.</summary>
    public long Count(long stepCount) => EarlierCount + Math.Max(stepCount - FirstStep, 0);

    /// <summary>Writes the mean after so many steps, or the last weights if none counted.</summary>
    public void Mean(long stepCount, ReadOnlySpan<float> last, Span<double> mean)
    {
        long count = Count(stepCount);
        for (int i = 0; i < Sums.Length; i++)
            mean[i] = count == 0 ? last[i] : EarlierSums is null ? Sums[i] / count : (EarlierSums[i] + Sums[i]) / count;
    }

    /// <summary>Continues with sums that were saved.</summary>
    public void Restore(long firstStep, ReadOnlySpan<double> sums, long earlierCount, ReadOnlySpan<double> earlierSums)
    {
        FirstStep = firstStep;
        sums.CopyTo(Sums);
        EarlierCount = earlierCount;
        EarlierSums = earlierCount > 0 ? earlierSums.ToArray() : null;
    }
}
