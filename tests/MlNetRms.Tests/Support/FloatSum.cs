namespace MlNetRms.Tests.Support;

/// <summary>Bounds for the rounding error of sums in float.</summary>
internal static class FloatSum
{
    /// <summary>Half a unit in the last place of float.</summary>
    private const double Rounding = 1.0 / (1 << 24);

    /// <summary>In any order, n additions and n products of floats have an error of at most n roundings of the sum of the absolute terms.</summary>
    public static void AssertClose(IEnumerable<double> terms, float actual)
    {
        double[] all = terms.ToArray();
        double bound = (all.Length + 1) * Rounding * all.Sum(Math.Abs);
        Assert.InRange(actual - all.Sum(), -bound, bound);
    }
}
