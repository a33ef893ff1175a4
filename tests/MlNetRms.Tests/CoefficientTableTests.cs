using System.Globalization;
using Microsoft.ML.Trainers;
using MlNetRms.Host;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests;

public sealed class CoefficientTableTests
{
    private readonly MLContext _ml = new(1);
    private readonly Examples _rows = Some.Linear(1, 200, [1, 10, 0.1], means: [0, 5, 1], weighted: true);

    [Fact]
    public void GetCoefficients_SlotNames_AreTheNamesInTheOrderOfTheFeatures()
    {
        RmsPropRegressionTransformer model = _ml.Regression.Trainers.RmsProp(numberOfEpochs: 20).Fit(_rows.View(_ml, ["Speed", "", "Width"]));

        CoefficientTable table = model.GetCoefficients();

        Assert.Equal(["Speed", "Slot 1", "Width"], table.Select(coefficient => coefficient.Name));
        Assert.Equal(model.Model.Weights, table.Select(coefficient => coefficient.Weight));
        Assert.Equal((3, model.Model.Bias), (table.Count, table.Bias));
        Assert.Equal(table[2], ((IEnumerable<Coefficient>)table).ToArray()[2]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void GetCoefficients_AfterFit_GivesTheEffectOfAStandardDeviationOverTheTrainingRows(bool standardize)
    {
        RmsPropRegressionTransformer model = _rows.Fit(new()
        {
            NumberOfEpochs = 20,
            Standardize = standardize,
            ExampleWeightColumnName = nameof(Example.Weight),
        });

        CoefficientTable table = model.GetCoefficients();

        Assert.Equal(["Slot 0", "Slot 1", "Slot 2"], table.Select(coefficient => coefficient.Name));
        double[] weights = _rows.Weights!.Select(weight => (double)weight).ToArray();
        for (int i = 0; i < 3; i++)
        {
            (_, double deviation) = LeastSquares.Moments(_rows.Features.Select(row => (double)row[i]), weights);
            double expected = model.Model.Weights[i] * deviation;
            Assert.Equal(expected, table[i].WeightPerStandardDeviation!.Value, 1e-9 * Math.Abs(expected));
        }
    }

    [Fact]
    public void GetCoefficients_SparseAndConstantColumns_CountTheZerosToo()
    {
        Examples rows = Some.MostlyZero(1, 300, 2, 80, 3);
        foreach (float[] row in rows.Features)
            row[0] = 4;
        RmsPropRegressionTransformer model = rows.Fit(new() { Decorrelate = false, NumberOfEpochs = 5 });

        CoefficientTable table = model.GetCoefficients();

        double[] ones = Enumerable.Repeat(1.0, rows.Count).ToArray();
        Assert.Equal((0f, 0.0), (table[0].Weight, table[0].WeightPerStandardDeviation!.Value));
        for (int i = 1; i < rows.Width; i++)
        {
            (_, double deviation) = LeastSquares.Moments(rows.Features.Select(row => (double)row[i]), ones);
            Assert.Equal(table[i].Weight * deviation, table[i].WeightPerStandardDeviation!.Value,
                1e-9 * (1e-3 + Math.Abs(table[i].Weight * deviation)));
        }
    }

    [Fact]
    public void GetCoefficients_LoadedModel_HasNamesAndWeightsAndNoDeviations()
    {
        IDataView view = _rows.View(_ml, ["Speed", "Height", "Width"]);
        RmsPropRegressionTransformer model = _ml.Regression.Trainers.RmsProp(numberOfEpochs: 5).Fit(view);
        using var stream = new MemoryStream();
        _ml.Model.Save(model, view.Schema, stream);
        stream.Position = 0;
        var loaded = (ISingleFeaturePredictionTransformer<object>)_ml.Model.Load(stream, out DataViewSchema schema);

        CoefficientTable table = ((LinearModelParameters)loaded.Model).GetCoefficients(schema);

        Assert.Equal(model.GetCoefficients()
            .Select(coefficient => coefficient with { WeightPerStandardDeviation = null, StandardError = null }), table);
        Assert.DoesNotContain("std", table.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void GetCoefficients_ModelOfAnotherTrainer_HasItsWeights()
    {
        IDataView view = _rows.View(_ml);
        LinearRegressionModelParameters model = _ml.Regression.Trainers.Sdca(maximumNumberOfIterations: 2).Fit(view).Model;

        Assert.Equal(model.Weights, model.GetCoefficients(view.Schema).Select(coefficient => coefficient.Weight));
    }

    [Fact]
    public void GetCoefficients_WrongColumnOrLength_ThrowsAndSaysWhat()
    {
        IDataView view = _rows.View(_ml);
        LinearModelParameters model = MlNetInternals.NewLinearModel(_ml, [1, 2], 0);

        var missing = Assert.Throws<ArgumentException>(() => model.GetCoefficients(view.Schema, "Absent"));
        var length = Assert.Throws<ArgumentException>(() => model.GetCoefficients(view.Schema));
        var scalar = Assert.Throws<ArgumentException>(() => model.GetCoefficients(view.Schema, "Label"));

        Assert.All([missing, length, scalar], exception => Assert.Equal("schema", exception.ParamName));
        Assert.Contains("Could not find feature column 'Absent'", missing.Message, StringComparison.Ordinal);
        Assert.Contains("The model has 2 weights, but feature column 'Features' is of type Vector<Single, 3>", length.Message,
            StringComparison.Ordinal);
        Assert.Contains("feature column 'Label' is of type Single", scalar.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => RmsPropModelExtensions.GetCoefficients(null!, view.Schema));
        Assert.Throws<ArgumentNullException>(() => model.GetCoefficients(null!));
        Assert.Throws<ArgumentNullException>(() => model.GetCoefficients(view.Schema, null!));
    }

    [Fact]
    public void Indexer_Name_IsTheFirstFeatureOfThatName()
    {
        var table = new CoefficientTable(["Area", "Year", "Area"], MlNetInternals.NewLinearModel(_ml, [1, 2, 3], 0), standardDeviations: null);

        Assert.Same(table[0], table["Area"]);
        Assert.Same(table[1], table["Year"]);
        Assert.Contains("no feature 'area'. The features are 'Area', 'Year', 'Area'.",
            Assert.Throws<KeyNotFoundException>(() => table["area"]).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => table[null!]);
        string[] many = [.. Enumerable.Range(0, 25).Select(i => $"x{i}")];
        var wide = new CoefficientTable(many, MlNetInternals.NewLinearModel(_ml, new float[25], 0), standardDeviations: null);
        Assert.EndsWith("'x19' and 5 more.", Assert.Throws<KeyNotFoundException>(() => wide["y"]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_OfACoefficient_IsNameWeightAndError()
    {
        Coefficient coefficient = new CoefficientTable(["Area"], MlNetInternals.NewLinearModel(_ml, [1.5f], 0), null, [0.25])[0];

        Assert.Equal("Area: 1.5 ± 0.25", coefficient.ToString());
        Assert.Equal("Area: 1.5", (coefficient with { StandardError = null }).ToString());
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(null, false)]
    public void ToString_OfATraining_SaysIfTheWeightsAreFarFromThoseOfTheStandardErrors(int? epochs, bool isFar)
    {
        RmsPropRegressionTransformer model = Some.Linear(1, 900, 3).Fit(new() { NumberOfEpochs = epochs });

        string table = model.GetCoefficients().ToString();

        Assert.Contains("std. error", table, StringComparison.Ordinal);
        Assert.Equal(isFar, model.Training.OptimalityGap!.Share > model.Training.Diagnostics.Tolerance);
        Assert.Equal(isFar, table.Contains($"these weights are {model.Training.OptimalityGap}", StringComparison.Ordinal));
    }

    [Fact]
    public void ToString_AnyCulture_IsOneTableWithADecimalPoint()
    {
        var model = MlNetInternals.NewLinearModel(_ml, [-1234.5f, 0.25f], 1.5f);
        var table = new CoefficientTable(["A long name", "B"], model, [2, 4]);
        string expected = string.Join(Environment.NewLine,
        [
            "feature             weight  per std. dev.",
            "A long name        -1234.5          -2469",
            "B                     0.25              1",
            "(bias)                 1.5",
            "",
        ]);
        var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        comma.NumberFormat.NumberDecimalSeparator = ",";
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = comma;
            Assert.Equal("0,5", $"{0.5}");
            Assert.Equal(expected, table.ToString());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
