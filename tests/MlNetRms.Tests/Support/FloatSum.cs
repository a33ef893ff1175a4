namespace MlNetRms.Tests.Support;

/// <summary>How far a sum in float may be from the sum in double.</summary>
internal static class FloatSum
{
    /// <summary>Half a unit in the last place of float.</summary>
    private const double Rounding = 1.0 / (1 << 24);

    /// <summary>n additions and n products of floats err by at most n roundings of the sum of the absolute terms, whatever their order.</summary>
    public static void AssertClose(IEnumerable<double> terms, float actual)
    {
        double[] all = terms.ToArray();
        double bound = (all.Length + 1) * Rounding * all.Sum(Math.Abs);
        Assert.InRange(actual - all.Sum(), -bound, bound);
    }
}
