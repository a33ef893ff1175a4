using MathNet.Numerics.LinearAlgebra;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

public sealed class FitEvaluationTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_SquaredLoss_ReportsTheFitAndTheStandardErrorsOfLeastSquares(bool weighted)
    {
        Rows rows = Some.Linear(3, 400, [1, 10, 0.1, 2], means: [5, 0, 1, -3], noise: 1, labelOffset: 50, labelScale: 4, weighted: weighted);
        for (int row = 0; row < rows.Count; row++)
            rows.Features[row][3] += 2 * rows.Features[row][0];        // correlated
        (double rSquared, double deviation, double[] errors) = Exact(rows);

        RmsPropRegressionTransformer model = rows.Fit(new() { ExampleWeightColumnName = weighted ? nameof(Row.Weight) : null });

        Assert.Equal(rSquared, model.Training.RSquared!.Value, 1e-4);
        Assert.Equal(deviation, model.Training.ResidualStandardDeviation!.Value, 1e-4 * deviation);
        Assert.All(model.GetCoefficients().Zip(errors), pair => Assert.Equal(pair.Second, pair.First.StandardError!.Value, 0.01 * pair.Second));
        Assert.All(model.GetCoefficients(), weight => Assert.Equal(weight.Weight / weight.StandardError, weight.TValue));
        Assert.Contains("std. error", model.GetCoefficients().ToString(), StringComparison.Ordinal);
    }

    public static TheoryData<string> Names => new(RealData.Names);

    [DataTheory, MemberData(nameof(Names))]
    public void Fit_RealSet_StandardErrorsAreThoseOfLeastSquares(string name)
    {
        Rows rows = RealData.Read(name);
        (double rSquared, _, double[] errors) = Exact(rows);

        RmsPropRegressionTransformer model = rows.Fit(new());

        Assert.Equal(rSquared, model.Training.RSquared!.Value, 1e-4);
        Assert.All(model.GetCoefficients().Zip(errors), pair => Assert.Equal(pair.Second, pair.First.StandardError!.Value, 0.01 * pair.Second));
    }

    public static TheoryData<string> Forms => ["L1", "L2", "non-negative", "Huber", "not decorrelated"];

    [Theory, MemberData(nameof(Forms))]
    public void Fit_WhereLeastSquaresDoesNotApply_HasNoStandardErrors(string form)
    {
        Options options = form switch
        {
            "L1" => new() { L1Regularization = 0.01f },
            "L2" => new() { L2Regularization = 0.01f },
            "non-negative" => new() { NonNegativeWeights = true },
            "Huber" => new() { LossFunction = new HuberLoss() },
            _ => new() { Decorrelate = false },
        };

        RmsPropRegressionTransformer model = Some.Linear(1, 100, 3).Fit(options);

        Assert.All(model.GetCoefficients(), weight => Assert.Null(weight.StandardError));
        Assert.NotNull(model.Training.RSquared);
    }

    [Fact]
    public void Fit_NoMoreRowsThanFeatures_HasNoResidualDeviation() =>
        Assert.Null(Some.Linear(1, 5, 4).Fit(new()).Training.ResidualStandardDeviation);

    /// <summary>R², residual standard deviation and standard errors by the normal equations of centred columns; dependent ones share.</summary>
    private static (double RSquared, double Deviation, double[] Errors) Exact(Rows rows)
    {
        int n = rows.Count;
        double total = Enumerable.Range(0, n).Sum(row => (double)rows.Weight(row));
        double[] c = [.. Enumerable.Range(0, n).Select(row => rows.Weight(row) * n / total)];        // mean 1
        double[] mean = [.. Enumerable.Range(0, rows.Width).Select(column => Enumerable.Range(0, n).Sum(row => c[row] * rows.Features[row][column]) / n)];
        double labelMean = Enumerable.Range(0, n).Sum(row => c[row] * rows.Labels[row]) / n;
        double[] scale = [.. Enumerable.Range(0, rows.Width).Select(column =>
            Math.Sqrt(Enumerable.Range(0, n).Sum(row => c[row] * Math.Pow(rows.Features[row][column] - mean[column], 2)) / n))];
        Matrix<double> x = Matrix<double>.Build.Dense(n, rows.Width, (row, column) =>
            Math.Sqrt(c[row]) * (rows.Features[row][column] - mean[column]) / scale[column]);
        Vector<double> y = Vector<double>.Build.Dense(n, row => Math.Sqrt(c[row]) * (rows.Labels[row] - labelMean));
        var spectrum = x.TransposeThisAndMultiply(x).Evd(Symmetricity.Symmetric);
        double largest = spectrum.EigenValues.Max(value => value.Real);
        int[] kept = [.. Enumerable.Range(0, rows.Width).Where(k => spectrum.EigenValues[k].Real > 1e-10 * largest)];
        Matrix<double> inverse = Matrix<double>.Build.Dense(rows.Width, rows.Width, (i, j) =>
            kept.Sum(k => spectrum.EigenVectors[i, k] * spectrum.EigenVectors[j, k] / spectrum.EigenValues[k].Real));
        Vector<double> residual = y - x * (inverse * x.TransposeThisAndMultiply(y));
        double deviation = Math.Sqrt(residual * residual / (n - kept.Length - 1));
        return (1 - residual * residual / (y * y), deviation,
            [.. Enumerable.Range(0, rows.Width).Select(column => deviation * Math.Sqrt(inverse[column, column]) / scale[column])]);
    }
}
