namespace MlNetRms.Benchmarks.Accuracy.Oracles;

/// <summary>The exact answer is not exact, so the table would compare with a wrong value.</summary>
internal sealed class OracleException(string message) : Exception(message)
{
    /// <param name="oracle">Name of the oracle.</param>
    /// <param name="gradient">A quantity that is 0 at the solution.</param>
    /// <param name="tolerance">How large rounding may leave it.</param>
    public static void ThrowUnlessSmall(string oracle, double gradient, double tolerance)
    {
        if (!(Math.Abs(gradient) <= tolerance))
        {
            throw new OracleException(FormattableString.Invariant(
                $"The exact solution by {oracle} is off: its gradient is {gradient:g3}, not below {tolerance:g3}."));
        }
    }
}
