using System.Runtime.CompilerServices;

namespace MlNetRms.Solver;

/// <summary>
/// Mean of the weights over the last steps (Polyak and Juditsky 1992): the noise of single mini-batches cancels out.
/// </summary>
/// <param name="parameterCount">Length of the weights.</param>
/// <param name="firstStep">See <see cref="FirstStep"/>.</param>
internal sealed class Average(int parameterCount, long firstStep)
{
    /// <summary>The first step, counted from 0, whose weights count in <see cref="Sums"/>: those after more than this many steps.</summary>
    public long FirstStep { get; private set; } = firstStep;

    /// <summary>
    /// For each weight, the sum of its values after every averaged step up to and including the weight's last step. If every step changes the weight,
    /// that is the last step taken; otherwise it is the last step whose batch had a value in the weight's column (<see cref="LazyWeights"/>).
    /// </summary>
    public double[] Sums { get; private set; } = new double[parameterCount];

    /// <summary>Number of earlier steps that also count.</summary>
    public long EarlierCount { get; private set; }

    /// <summary>Sum of the weights after each of them; null if there are none.</summary>
    public double[]? EarlierSums { get; private set; }

    /// <summary>Adds weights that every step changes.</summary>
    /// <param name="stepCount">Steps taken.</param>
    /// <param name="weights">The first of all weights, after the last step.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(long stepCount, ReadOnlySpan<float> weights)
    {
        if (stepCount <= FirstStep)
            return;
        Span<double> sums = Sums.AsSpan(0, weights.Length);
        for (int i = 0; i < sums.Length; i++)
            sums[i] += weights[i];
    }

    /// <summary>Turns the sums so far into the earlier sums, and begins new ones. They must include the last step for every weight.</summary>
    public void Restart(long stepCount)
    {
        EarlierCount = stepCount - FirstStep;
        (EarlierSums, Sums) = (Sums, EarlierSums ?? new double[parameterCount]);
        Array.Clear(Sums);
        FirstStep = stepCount;
    }

    /// <summary>From now on only <see cref="Sums"/> counts.</summary>
    public void DropEarlier() => (EarlierCount, EarlierSums) = (0, null);

    /// <summary>The mean after this many steps, or the last weights if none counted.</summary>
    /// <param name="stepCount">Steps taken.</param>
    /// <param name="last">The weights after the last step.</param>
    /// <param name="sums"><see cref="Sums"/>, including the last step for every weight.</param>
    public double[] Mean(long stepCount, ReadOnlySpan<float> last, ReadOnlySpan<double> sums)
    {
        long count = EarlierCount + Math.Max(stepCount - FirstStep, 0);
        var mean = new double[last.Length];
        for (int i = 0; i < mean.Length; i++)
            mean[i] = count == 0 ? last[i] : ((EarlierSums?[i] ?? 0) + sums[i]) / count;
        return mean;
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
/// Which steps count in the average. At the end these are the steps from <paramref name="First"/> on. Before that, if a training may end early, it is
/// a running window: the steps since the last restart and those between the last two restarts, so that it is never short.
/// </summary>
/// <param name="Start">Steps done before the training.</param>
/// <param name="First">The first step, counted from 0, that counts at the end.</param>
/// <param name="Window">Steps between two restarts; 0 for no running window.</param>
internal readonly record struct AveragingPlan(long Start, long First, long Window)
{
    /// <summary>The first step that is added up.</summary>
    public long Begin => Window > 0 ? Math.Min(Start, First) : First;

    /// <summary>Whether the sums so far become the earlier ones after this many steps, and new sums begin.</summary>
    public bool RestartsAfter(long stepCount)
    {
        if (Window == 0 || stepCount >= First)
            return Window > 0 && stepCount == First;
        long done = stepCount - Start;
        // The first half window leads away from the initial weights. The last restart leaves room for a whole window before the planned average.
        bool isDue = done < Window ? done == Window / 2 : done % Window == 0;
        return isDue && done + Math.Min(done, Window) <= First - Start;
    }

    /// <summary>Whether the earlier sums no longer count after this many steps: the planned average is as long as a window.</summary>
    public bool DropsEarlierAfter(long stepCount) => Window > 0 && stepCount == First + Window;

    /// <summary>Whether sums from one step to another belong to this plan, not to another training.</summary>
    public bool HasSums(long first, long stepCount) => first <= stepCount && (first == First || (Window > 0 && first >= Start));
}
