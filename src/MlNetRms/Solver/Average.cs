using System.Runtime.CompilerServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// Mean of the weights over the last steps (Polyak and Juditsky 1992): the noise of single mini-batches cancels out.
/// </summary>
/// <param name="parameterCount">Length of the weights.</param>
/// <param name="firstStep">The first step, counted from 0, whose weights count.</param>
internal sealed class Average(int parameterCount, long firstStep)
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

/// <summary>
/// Which steps count in the average. At the end those from <paramref name="First"/> on. Before, where a training may end early, a running
/// window: the steps since it was last restarted, and those between the last two restarts, so that it is never short.
/// </summary>
/// <param name="Start">Steps done before the training.</param>
/// <param name="First">The first step, counted from 0, that counts at the end.</param>
/// <param name="Window">Steps between two restarts; 0 for no running window.</param>
internal readonly record struct AveragingPlan(long Start, long First, long Window)
{
    /// <summary>The first step that is added up.</summary>
    public long Begin => Window > 0 ? Math.Min(Start, First) : First;

    /// <summary>Whether the sums so far become the earlier ones after so many steps, and new sums begin.</summary>
    public bool RestartsAfter(long stepCount)
    {
        if (Window == 0 || stepCount >= First)
            return Window > 0 && stepCount == First;
        long done = stepCount - Start;
        // The first half window is the way from the initial weights. The last restart leaves room for a whole window before the planned average.
        bool isDue = done < Window ? done == Window / 2 : done % Window == 0;
        return isDue && done + Math.Min(done, Window) <= First - Start;
    }

    /// <summary>Whether the earlier sums no longer count after so many steps: the planned average is as long as a window.</summary>
    public bool DropsEarlierAfter(long stepCount) => Window > 0 && stepCount == First + Window;

    /// <summary>Whether sums from one step to another are those of this plan, or else of another training.</summary>
    public bool HasSums(long first, long stepCount) => first <= stepCount && (first == First || (Window > 0 && first >= Start));
}
