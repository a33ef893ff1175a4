using MathNet.Numerics.LinearAlgebra;
using Microsoft.ML.Trainers;
using MlNetRms.Rows;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Solver;

public sealed class EvaluationTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_SquaredLoss_ReportsTheFitAndTheStandardErrorsOfLeastSquares(bool weighted)
    {
        Examples rows = Some.Linear(3, 400, [1, 10, 0.1, 2], means: [5, 0, 1, -3], noise: 1, labelOffset: 50, labelScale: 4, weighted: weighted);
        for (int row = 0; row < rows.Count; row++)
            rows.Features[row][3] += 2 * rows.Features[row][0];        // correlated
        (double rSquared, double deviation, double[] errors) = Exact(rows);

        RmsPropRegressionTransformer model = rows.Fit(new() { ExampleWeightColumnName = weighted ? nameof(Example.Weight) : null });

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
        Examples rows = RealData.Read(name);
        (double rSquared, _, double[] errors) = Exact(rows);

        RmsPropRegressionTransformer model = rows.Fit(new());

        Assert.Equal(rSquared, model.Training.RSquared!.Value, 1e-4);
        Assert.All(model.GetCoefficients().Zip(errors), pair => Assert.Equal(pair.Second, pair.First.StandardError!.Value, 0.01 * pair.Second));
    }

    [Theory]
    [InlineData("squared", false, 0)]
    [InlineData("squared", true, 0.1f)]        // penalties do not count
    [InlineData("Huber", true, 0)]
    [InlineData("absolute", false, 0.1f)]
    public void Fit_AnyLoss_ReportsItsMeanForTheModelAndForTheMeanOfTheLabel(string name, bool weighted, float l2)
    {
        Examples rows = Some.Linear(3, 500, 4, noise: 1, weighted: weighted);
        IRegressionLoss? loss = name switch { "Huber" => new HuberLoss(0.5f), "absolute" => new AbsoluteLoss(), _ => null };

        RmsPropRegressionTransformer model = rows.Fit(new()
        {
            LossFunction = loss,
            L2Regularization = l2,
            ExampleWeightColumnName = weighted ? nameof(Example.Weight) : null,
        });

        double mean = WeightedMean(row => rows.Labels[row]);
        Assert.Equal(WeightedMean(row => Loss(Predicted(row), row)), model.Training.TrainingLoss, 1e-5);
        Assert.Equal(WeightedMean(row => Loss((float)mean, row)), model.Training.MeanPredictorLoss, 1e-5);

        float Predicted(int row) => model.Model.Bias + rows.Features[row].Zip(model.Model.Weights, (x, w) => x * w).Sum();
        double Loss(float prediction, int row) => loss?.Loss(prediction, rows.Labels[row]) ?? 0.5 * Math.Pow(prediction - rows.Labels[row], 2);
        double WeightedMean(Func<int, double> value) =>
            Enumerable.Range(0, rows.Count).Sum(row => rows.Weight(row) * value(row))
                / Enumerable.Range(0, rows.Count).Sum(row => (double)rows.Weight(row));
    }

    [Fact]
    public void Fit_TooLargeARateForARobustLoss_ReportsALossAboveThatOfTheMean()
    {
        TrainingReport report = Some.Linear(1, 300, 3).Fit(new()
        {
            LossFunction = new HuberLoss(),
            LearningRate = 100,
            LearningRateSchedule = LearningRateSchedule.Constant,
            NumberOfEpochs = 5,
        }).Training;

        Assert.True(report.TrainingLoss > report.MeanPredictorLoss);
    }

    public static TheoryData<string> Forms => ["L1", "L2", "non-negative", "Huber", "not whitened"];

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
    private static (double RSquared, double Deviation, double[] Errors) Exact(Examples rows)
    {
        int n = rows.Count;
        double total = Enumerable.Range(0, n).Sum(row => (double)rows.Weight(row));
        double[] c = [.. Enumerable.Range(0, n).Select(row => rows.Weight(row) * n / total)];        // mean 1
        double[] mean = [.. Enumerable.Range(0, rows.Width)
            .Select(column => Enumerable.Range(0, n).Sum(row => c[row] * rows.Features[row][column]) / n)];
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

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void LargestFeature_OneOutlier_IsItsColumnAndValue(int sparseColumns)
    {
        Examples rows = sparseColumns > 0 ? Some.MostlyZero(1, 500, 4, sparseColumns, 3) : Some.Linear(1, 500, 4);
        int column = rows.Width - 1;
        rows.Features[123][column] = -12345;

        using TrainingRows read = Stored.Read(rows, new() { Standardize = false });

        Assert.Equal((column, -12345f), LargestFeature.Find(read.Training));
    }
}
