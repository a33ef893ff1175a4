using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Accuracy;

/// <summary>
/// The linear reference sets of NIST as float columns, powers among them. As many digits are right as of least squares on the same columns, solved in
/// fractions and then rounded to the floats of a model.
/// </summary>
public sealed class ReferenceSetsTests
{
    private const double Less = 0.5;

    /// <summary>What a rounded number can have: −log₁₀ 2⁻²⁴.</summary>
    private const double DigitsOfFloat = 7.2;

    public static TheoryData<string> Sets => [.. NistSet.All.Select(set => set.Name)];

    [Theory, MemberData(nameof(Sets))]
    public void Fit_ReferenceSet_HasTheDigitsOfLeastSquaresRoundedToFloat(string name)
    {
        NistSet set = NistSet.Of(name);
        Examples rows = set.ToFloats();
        ExactLeastSquares least = Exact(rows, set.HasIntercept);
        double[] rounded = [.. least.Coefficients.Select(coefficient => (double)(float)coefficient)];
        if (set.HasIntercept)
            rounded[0] = Bias(rows, rounded);

        RmsPropRegressionTransformer model = Fit(set, rows);

        int first = set.HasIntercept ? 0 : 1;
        CoefficientTable table = model.GetCoefficients();
        AssertDigits(set.Coefficients, rounded, [.. new double[] { table.Bias }.Concat(table.Select(weight => (double)weight.Weight)).Skip(first)]);
        double?[] errors = [.. new[] { table.BiasStandardError }.Concat(table.Select(weight => weight.StandardError)).Skip(first)];
        double mirrored = set.HasIntercept ? 1 : Math.Sqrt(2);        // each row is there twice
        if (model.Training.DroppedDirections == 0)
            AssertDigits(set.StandardErrors, least.StandardErrors, [.. errors.Select(error => mirrored * error!.Value)]);
        else
            Assert.Equal(("Filip", true), (name, errors.All(error => error is null)));
    }

    [Fact]
    public void Fit_Filip_ScoresNearlyAsFloatsCan()
    {
        NistSet set = NistSet.Of("Filip");
        Examples rows = set.ToFloats();

        RmsPropRegressionTransformer model = Fit(set, rows);

        double mean = rows.Labels.Average();
        double rSquared = 1 - rows.Count * Math.Pow(model.Rmse(rows), 2) / rows.Labels.Sum(label => Math.Pow(label - mean, 2));
        Assert.Equal(0.996, rSquared, 0.001);
        Assert.Equal(rSquared, model.Training.RSquared!.Value, 1e-6);
        Assert.Equal(2, model.Training.DroppedDirections);
    }

    private static void AssertDigits(double[] certified, double[] reachable, double[] actual)
    {
        Assert.Equal(certified.Length, actual.Length);
        Assert.All(certified.Zip(reachable, actual), at => Assert.InRange(
            Lre.Of(at.Third, at.First), Math.Min(Lre.Of(at.Second, at.First), DigitsOfFloat) - Less, Lre.Most));
    }

    private static RmsPropRegressionTransformer Fit(NistSet set, Examples rows)
    {
        // Beside its mirror image each row makes the best bias 0.
        Examples trained = set.HasIntercept ? rows : new(
            [.. rows.Features, .. rows.Features.Select(row => row.Select(x => -x).ToArray())], [.. rows.Labels, .. rows.Labels.Select(y => -y)]);
        return trained.Fit(new() { L2Regularization = 0 });
    }

    private static ExactLeastSquares Exact(Examples rows, bool hasIntercept) => new(
        [.. rows.Features.Select(row => row.Select(x => Rational.From(x)))
            .Select(row => (hasIntercept ? row.Prepend(Rational.One) : row).ToArray())],
        [.. rows.Labels.Select(label => Rational.From(label))]);

    /// <summary>The bias with which the mean residual of rounded weights is 0, rounded.</summary>
    private static double Bias(Examples rows, double[] coefficients) => (float)(rows.Labels.Average(label => (double)label)
        - Enumerable.Range(0, rows.Width).Sum(column => coefficients[column + 1] * rows.Features.Average(row => (double)row[column])));
}
