using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Kernels;

internal static class Divide
{
    /// <summary>⌈dividend / divisor⌉ for a dividend of at least 0 and a divisor of at least 1.</summary>
    public static int RoundUp(int dividend, int divisor) => (int)RoundUp((long)dividend, divisor);

    /// <inheritdoc cref="RoundUp(int, int)"/>
    public static long RoundUp(long dividend, long divisor) => (dividend + divisor - 1) / divisor;

    /// <summary>The smallest multiple of <paramref name="unit"/> that is at least <paramref name="value"/>.</summary>
    public static int RoundUpToMultiple(int value, int unit) => RoundUp(value, unit) * unit;
}
