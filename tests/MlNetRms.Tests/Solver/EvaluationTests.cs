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
        (double rSquared, double deviation, double?[] errors) = Exact(rows);

        RmsPropRegressionTransformer model = rows.Fit(new() { ExampleWeightColumnName = weighted ? nameof(Example.Weight) : null });

        Assert.Equal(rSquared, model.Training.RSquared!.Value, 1e-4);
        Assert.Equal(deviation, model.Training.ResidualStandardDeviation!.Value, 1e-4 * deviation);
        AssertErrors(errors, model.GetCoefficients());
        Assert.All(model.GetCoefficients(), weight => Assert.Equal(weight.Weight / weight.StandardError, weight.TValue));
        Assert.Contains("std. error", model.GetCoefficients().ToString(), StringComparison.Ordinal);
    }

    public static TheoryData<string> Names => new(RealData.Names);

    [DataTheory, MemberData(nameof(Names))]
    public void Fit_RealSet_StandardErrorsAreThoseOfLeastSquares(string name)
    {
        Examples rows = RealData.Read(name);
        (double rSquared, _, double?[] errors) = Exact(rows);

        RmsPropRegressionTransformer model = rows.Fit(new());

        Assert.Equal(rSquared, model.Training.RSquared!.Value, 1e-4);
        AssertErrors(errors, model.GetCoefficients());
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
        Assert.Null(model.GetCoefficients().BiasStandardError);
        Assert.NotNull(model.Training.RSquared);
    }

    [Fact]
    public void Fit_NoMoreRowsThanFeatures_HasNoResidualDeviation() =>
        Assert.Null(Some.Linear(1, 5, 4).Fit(new()).Training.ResidualStandardDeviation);

    /// <summary>
    /// R², residual standard deviation and standard errors by the normal equations of centred columns, the bias last; none of dependent columns.
    /// </summary>
    private static (double RSquared, double Deviation, double?[] Errors) Exact(Examples rows)
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
            scale[column] == 0 ? 0 : Math.Sqrt(c[row]) * (rows.Features[row][column] - mean[column]) / scale[column]);
        Vector<double> y = Vector<double>.Build.Dense(n, row => Math.Sqrt(c[row]) * (rows.Labels[row] - labelMean));
        var spectrum = x.TransposeThisAndMultiply(x).Evd(Symmetricity.Symmetric);
        double largest = spectrum.EigenValues.Max(value => value.Real);
        int[] kept = [.. Enumerable.Range(0, rows.Width).Where(k => spectrum.EigenValues[k].Real > 1e-14 * largest)];
        Matrix<double> inverse = Matrix<double>.Build.Dense(rows.Width, rows.Width, (i, j) =>
            kept.Sum(k => spectrum.EigenVectors[i, k] * spectrum.EigenVectors[j, k] / spectrum.EigenValues[k].Real));
        Vector<double> residual = y - x * (inverse * x.TransposeThisAndMultiply(y));
        double deviation = Math.Sqrt(residual * residual / (n - kept.Length - 1));
        Vector<double> center = Vector<double>.Build.Dense(rows.Width, column => scale[column] == 0 ? 0 : mean[column] / scale[column]);
        return (1 - residual * residual / (y * y), deviation,
        [
            .. Enumerable.Range(0, rows.Width).Select(column => IsKnown(Vector<double>.Build.Dense(rows.Width, i => i == column ? 1 : 0))
                ? deviation * Math.Sqrt(inverse[column, column]) / scale[column] : (double?)null),
            IsKnown(center) ? deviation * Math.Sqrt(1.0 / n + center * inverse * center) : null,
        ]);

        bool IsKnown(Vector<double> v) => Enumerable.Range(0, rows.Width).Except(kept)
            .All(k => Math.Abs(spectrum.EigenVectors.Column(k) * v) <= 1e-3 * v.L2Norm());
    }

    private static void AssertErrors(double?[] expected, CoefficientTable actual)
    {
        double?[] errors = [.. actual.Select(weight => weight.StandardError), actual.BiasStandardError];
        Assert.Equal(expected.Length, errors.Length);
        Assert.All(expected.Zip(errors), pair =>
        {
            Assert.Equal(pair.First is null, pair.Second is null);
            Assert.Equal(pair.First ?? 0, pair.Second ?? 0, 0.001 * (pair.First ?? 0));
        });
    }

    private static readonly Dictionary<string, Func<Examples>> _dependent = new()
    {
        ["one column"] = () => Some.Linear(1, 300, [3.0], means: [7.0], noise: 2, weighted: true),
        ["one column beside a constant"] = () => With(Some.Linear(1, 300, 1), _ => 7),
        ["one constant"] = () => new Examples([.. Enumerable.Repeat(new float[] { 3 }, 50)], Some.Normals(1, 50)),
        ["a copy"] = () => With(Some.Linear(2, 300, [1, 2, 3], means: [4, 5, 6]), row => row[1]),
        ["a sum"] = () => With(Some.Linear(3, 300, [1, 2, 3], means: [4, 5, 6]), row => row[0] + row[2]),
        ["all levels"] = () => With(With(Levels(400), row => 3 - row[0]), row => row[^1] * 0.5f),
        ["all levels and a number"] = () => With(Levels(400), row => row[1] + row[0] * row[0] * 2),
        ["nearly dependent"] = () => With(Some.Linear(4, 300, 3), row => row[0] + 1e-3f * row[1] * row[2]),
    };

    public static TheoryData<string> Dependent => [.. _dependent.Keys];

    [Theory, MemberData(nameof(Dependent))]
    public void Fit_ColumnsOfWhichSomeAreNotDetermined_HasTheStandardErrorsOfTheOthers(string set)
    {
        Examples rows = _dependent[set]();

        foreach (bool? decorrelate in new bool?[] { null, true })
        {
            AssertErrors(Exact(rows).Errors, rows.Fit(new()
            {
                Decorrelate = decorrelate,
                ExampleWeightColumnName = rows.Weights is null ? null : nameof(Example.Weight),
            }).GetCoefficients());
        }
    }

    [Fact]
    public void Fit_OneColumnAndManyRows_HasStandardErrors()
    {
        Examples rows = Some.Linear(1, 200_000, [2.0], means: [-3.0]);

        CoefficientTable coefficients = rows.Fit(new() { Decorrelate = false }).GetCoefficients();

        AssertErrors(Exact(rows).Errors, coefficients);
        Assert.Matches(@"\(bias\) +\S+ +\S+ +\S+", coefficients.ToString());        // its error and t
    }

    /// <summary>A category with a column for each level.</summary>
    private static Examples Levels(int count) => With(Some.Levels(1, count, categories: 1, levels: 5, noise: 0.3), row => row.Sum() == 0 ? 1 : 0);

    private static Examples With(Examples rows, Func<float[], float> column) =>
        new([.. rows.Features.Select(row => row.Append(column(row)).ToArray())], rows.Labels, rows.Weights);

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
