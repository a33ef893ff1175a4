using System.Runtime.CompilerServices;
namespace MlNetRms.Optimization;

/// <summary>
/// Mean of the weights over the last steps (Polyak and Juditsky 1992): the noise of single mini-batches cancels out.
/// </summary>
/// <param name="parameterCount">Length of the weights.</param>
/// <param name="firstStep">The first step, counted from 0, whose weights count.</param>
internal sealed class IterateAverage(int parameterCount, long firstStep)
{
    private readonly double[] _sum = new double[parameterCount];
    private long _count;

    /// <summary>Takes in the weights after a step, if that step counts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(long step, ReadOnlySpan<float> parameters)
    {
        if (step < firstStep)
            return;
        _count++;
        for (int i = 0; i < parameters.Length; i++)
            _sum[i] += parameters[i];
    }

    /// <summary>The mean, or <paramref name="last"/> if no step counted.</summary>
    public double[] Mean(ReadOnlySpan<float> last)
    {
        var mean = new double[_sum.Length];
        for (int i = 0; i < mean.Length; i++)
            mean[i] = _count > 0 ? _sum[i] / _count : last[i];
        return mean;
    }
}
