namespace MlNetRms.Tests.Support;

/// <summary>How many digits of a number are right: −log₁₀ of its relative error (McCullough 1998), or of the error where 0 is expected.</summary>
internal static class Lre
{
    /// <summary>The digits of the certified values.</summary>
    public const double Most = 15;

    public static double Of(double value, double certified)
    {
        double error = Math.Abs(value - certified) / (certified == 0 ? 1 : Math.Abs(certified));
        return error == 0 ? Most : Math.Min(Most, -Math.Log10(error));
    }

    /// <summary>The digits of the worst one of several numbers.</summary>
    public static double Least(IEnumerable<double> values, IEnumerable<double> certified) => values.Zip(certified, Of).Min();
}
