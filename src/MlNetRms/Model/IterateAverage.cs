using System.Runtime.CompilerServices;

namespace MlNetRms.Model;

/// <summary>
/// Mean of the weights over the last steps (Polyak and Juditsky 1992): the noise of single mini-batches cancels out.
/// </summary>
/// <param name="parameterCount">Length of the weights.</param>
/// <param name="firstStep">The first step, counted from 0, whose weights count.</param>
internal sealed class IterateAverage(int parameterCount, long firstStep)
{
    /// <summary>Sum of the weights after each step that counted.</summary>
    public double[] Sums { get; } = new double[parameterCount];

    /// <summary>Takes in the weights after a step, if that step counts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(long step, ReadOnlySpan<float> parameters)
    {
        if (step < firstStep)
            return;
        double[] sums = Sums;
        for (int i = 0; i < sums.Length; i++)
            sums[i] += parameters[i];
    }

    /// <summary>Writes the mean after so many steps, or the last weights if none counted.</summary>
    public void Mean(long stepCount, ReadOnlySpan<float> last, Span<double> mean)
    {
        long count = stepCount - firstStep;
        for (int i = 0; i < Sums.Length; i++)
            mean[i] = count > 0 ? Sums[i] / count : last[i];
    }
}
