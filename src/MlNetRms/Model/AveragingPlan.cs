namespace MlNetRms.Model;

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
