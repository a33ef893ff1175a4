using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Oracles;

/// <summary>The oracle in fractions against certified values; a wrong digit in a set's rows would show here.</summary>
public sealed class ExactLeastSquaresTests
{
    public static TheoryData<string> Sets => [.. NistSet.All.Select(set => set.Name)];

    [Theory, MemberData(nameof(Sets))]
    public void Constructor_ReferenceSet_GivesItsCertifiedValues(string name)
    {
        const double Digits = 14;
        NistSet set = NistSet.Of(name);

        var exact = new ExactLeastSquares(set.Terms, set.Labels);

        double mean = set.HasIntercept ? set.Labels.Average(label => label.ToDouble()) : 0;
        double spread = set.Labels.Sum(label => Math.Pow(label.ToDouble() - mean, 2));
        Assert.InRange(Lre.Least(exact.Coefficients, set.Coefficients), Digits, Lre.Most);
        Assert.InRange(Lre.Least(exact.StandardErrors, set.StandardErrors), Digits, Lre.Most);
        Assert.InRange(Lre.Of(exact.Deviation, set.Deviation), Digits, Lre.Most);
        Assert.InRange(Lre.Of(1 - exact.SumOfSquares / spread, set.RSquared), 12, Lre.Most);        // that of Wampler5 is a small difference
    }

    [Fact]
    public void ToDouble_OfAnyDouble_IsTheDouble()
    {
        foreach (double value in new[] { 0, 1, -3.5, 0.1, 1e-30, -7e25, 123456789.125, float.Epsilon, float.MaxValue })
            Assert.Equal(value, Rational.From(value).ToDouble());
        Assert.Equal(-0.125, Rational.Parse("-.125").ToDouble());
        Assert.Equal(1 / 3.0, (Rational.Parse("2") / Rational.Parse("6.0")).ToDouble());
    }
}
