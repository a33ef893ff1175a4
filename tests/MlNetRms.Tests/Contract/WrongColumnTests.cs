using System.Text.RegularExpressions;
using Microsoft.ML.Data;
using MlNetRms.Host;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Contract;

/// <summary>
/// Missing columns and columns of the wrong type: the exception and the wording of ML.NET's own SDCA trainer, before any row is read.
/// </summary>
public sealed class WrongColumnTests
{
    private static readonly VectorDataViewType _twoFloats = new(NumberDataViewType.Single, 2);
    private static readonly float[] _features = [1, 2];

    /// <summary>The option that names a missing column, or the wrong view; and the remedy that the message must contain.</summary>
    private static readonly Dictionary<string, (Func<MLContext, IDataView> View, string Remedy)> _wrongViews = new()
    {
        ["label of double"] = (ml => Shapes.View(ml, _features, 1.0, 1f, ("Features", _twoFloats)), "ConvertType(\"Label\""),
        ["label of boolean"] = (ml => Shapes.View(ml, _features, true, 1f, ("Features", _twoFloats)), "ConvertType(\"Label\""),
        ["label of text"] = (ml => Shapes.View(ml, _features, "1", 1f, ("Features", _twoFloats)), "DataKind.Single. For a label that is a category"),
        ["label of variable size"] = (ml => Shapes.View(ml, _features, _features, 1f, ("Features", _twoFloats)), "single value"),
        ["label of key"] = (ml => Shapes.View(ml, _features, 1u, 1f, ("Features", _twoFloats), ("Label", new KeyDataViewType(typeof(uint), 5))),
            "MapKeyToValue(\"Label\")"),
        ["label of vector"] = (ml => Shapes.View(ml, _features, _features, 1f, ("Features", _twoFloats), ("Label", _twoFloats)), "single value"),
        ["features scalar"] = (ml => Shapes.View(ml, 1f, 1f, 1f), "Concatenate(\"FeatureVector\", \"Features\")"),
        ["features scalar double"] = (ml => Shapes.View(ml, 1.0, 1f, 1f),
            "ConvertType(\"Features\", outputKind: DataKind.Single) converts it; then mlContext.Transforms.Concatenate("),
        ["features of text"] = (ml => Shapes.View(ml, "red", 1f, 1f),
            "OneHotEncoding(\"Features\") turns a category into features, mlContext.Transforms.Text.FeaturizeText(\"Features\")"),
        ["features of variable size"] = (ml => Shapes.View(ml, _features, 1f, 1f), "VectorType(size)"),
        ["features of double"] = (ml => Shapes.View(ml, new double[] { 1, 2 }, 1f, 1f,
            ("Features", new VectorDataViewType(NumberDataViewType.Double, 2))), "ConvertType(\"Features\""),
        ["features of keys"] = (ml => Shapes.View(ml, new uint[] { 1, 2 }, 1f, 1f,
            ("Features", new VectorDataViewType(new KeyDataViewType(typeof(uint), 5), 2))), "MapKeyToVector"),
        ["features of dates"] = (ml => Shapes.View(ml, DateTime.UnixEpoch, 1f, 1f),
            "ConvertType(\"Features\", outputKind: DataKind.Double), then mlContext.Transforms.Expression(\"Features\", "),
        ["weight of double"] = (ml => Shapes.View(ml, _features, 1f, 1.0, ("Features", _twoFloats)), "ConvertType(\"Weight\""),
        ["weight of vector"] = (ml => Shapes.View(ml, _features, 1f, _features, ("Features", _twoFloats), ("Weight", _twoFloats)), "single value"),
    };

    public static TheoryData<string> WrongViews => new(_wrongViews.Keys);

    [Theory, MemberData(nameof(WrongViews))]
    public void FitAndGetOutputSchema_WrongType_ThrowAsSdcaDoesAndNameTheRemedy(string wrong)
    {
        (Func<MLContext, IDataView> view, string remedy) = _wrongViews[wrong];
        var ml = new MLContext(1);

        AssertAsSdca(ml, view(ml), "Features", "Label", "Weight", remedy);
    }

    /// <summary>Follows the advice in the messages.</summary>
    [Fact]
    public void Fit_AfterTheRemedyOfTheMessage_Trains()
    {
        var ml = new MLContext(1);
        IDataView text = Shapes.View(ml, "red", 1f, 1f);
        IDataView number = Shapes.View(ml, 1.0, 1f, 1f);
        IDataView label = Shapes.View(ml, _features, 1.0, 1f, ("Features", _twoFloats));
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp();

        int[] features =
        [
            ml.Transforms.Categorical.OneHotEncoding("Features").Append(trainer).Fit(text).LastTransformer.Model.Weights.Count,
            ml.Transforms.Text.FeaturizeText("Features").Append(trainer).Fit(text).LastTransformer.Model.Weights.Count,
            ml.Transforms.Conversion.ConvertType("Features", outputKind: DataKind.Single)
                .Append(ml.Transforms.Concatenate("FeatureVector", "Features"))
                .Append(ml.Regression.Trainers.RmsProp(featureColumnName: "FeatureVector")).Fit(number).LastTransformer.Model.Weights.Count,
            ml.Transforms.Conversion.ConvertType("Label", outputKind: DataKind.Single).Append(trainer).Fit(label).LastTransformer.Model.Weights.Count,
        ];

        Assert.Equal((1, 1, 2), (features[0], features[2], features[3]));
        Assert.InRange(features[1], 1, 100);
    }

    /// <summary>The same for dates a minute apart, which as float are equal within two hours.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_DatesAfterTheRemedyOfTheMessage_KeepTheirMinutes(bool withOffset)
    {
        var ml = new MLContext(1);
        DateTime[] times = [.. Enumerable.Range(0, 300).Select(minute => new DateTime(2026, 5, 17, 9, 0, 0, DateTimeKind.Utc).AddMinutes(minute))];
        IDataView view = withOffset
            ? ml.Data.LoadFromEnumerable(times.Select((time, minute) => new { Features = new DateTimeOffset(time), Label = (float)minute }))
            : ml.Data.LoadFromEnumerable(times.Select((time, minute) => new { Features = time, Label = (float)minute }));
        string message = Assert.Throws<ArgumentOutOfRangeException>(() => ml.Regression.Trainers.RmsProp().Fit(view)).Message;
        string expression = Regex.Match(message, "Expression\\(\"Features\", \"([^\"]+)\"").Groups[1].Value;

        var model = ml.Transforms.Conversion.ConvertType("Features", outputKind: DataKind.Double)
            .Append(ml.Transforms.Expression("Features", expression, "Features"))
            .Append(ml.Transforms.Concatenate("FeatureVector", "Features"))
            .Append(ml.Regression.Trainers.RmsProp(featureColumnName: "FeatureVector")).Fit(view);

        Assert.Equal(1440, model.LastTransformer.Model.Weights[0], 1.0);        // minutes per day
        Assert.InRange(ml.Regression.Evaluate(model.Transform(view)).RootMeanSquaredError, 0, 0.1);
    }

    [Theory]
    [InlineData("Absent", "Label", "Weight", "Concatenate")]
    [InlineData("Features", "Absent", "Weight", "'Features', 'Label', 'Weight'")]
    [InlineData("Features", "Label", "Absent", "'Features', 'Label', 'Weight'")]
    [InlineData("features", "Label", "Weight", "'Features', 'Label', 'Weight'")]
    public void FitAndGetOutputSchema_ColumnMissing_ThrowAsSdcaDoesAndNameTheColumnsThereAre(string features, string label, string weight,
        string remedy)
    {
        var ml = new MLContext(1);

        AssertAsSdca(ml, Some.Linear(1, 5, 2).View(ml), features, label, weight, remedy);
    }

    [Fact]
    public void Fit_WrongColumn_ThrowsBeforeARowIsRead()
    {
        var ml = new MLContext(1);
        IDataView view = Examples.View(ml, Unreadable(), width: 2);

        Assert.Throws<ArgumentOutOfRangeException>(() => ml.Regression.Trainers.RmsProp(labelColumnName: "Absent").Fit(view));
        Assert.Throws<InvalidDataException>(() => ml.Regression.Trainers.RmsProp().Fit(view));        // reading a row throws

        static IEnumerable<Example> Unreadable()
        {
            yield return new Example { Features = new VBuffer<float>(2, [1, 2]) };
            throw new InvalidDataException("read");
        }
    }

    [Fact]
    public void FitAndGetOutputSchema_InputNull_Throw()
    {
        RmsPropRegressionTrainer trainer = new MLContext(1).Regression.Trainers.RmsProp();

        Assert.Equal("input", Assert.Throws<ArgumentNullException>(() => trainer.Fit(null!)).ParamName);
        Assert.Equal("trainData", Assert.Throws<ArgumentNullException>(() => trainer.Fit(null!, CancellationToken.None)).ParamName);
        Assert.Equal("inputSchema", Assert.Throws<ArgumentNullException>(() => trainer.GetOutputSchema(null!)).ParamName);
    }

    [Fact]
    public void FitAndGetOutputSchema_ColumnMissing_ThrowWithTheCallersParameter()
    {
        var ml = new MLContext(1);
        IDataView view = Some.Linear(1, 5, 2).View(ml);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp("Absent");

        Assert.Equal("input", Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(view)).ParamName);
        Assert.Equal("trainData", Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(view, view)).ParamName);
        Assert.Equal("inputSchema",
            Assert.Throws<ArgumentOutOfRangeException>(() => trainer.GetOutputSchema(MlNetInternals.ShapeOf(view.Schema))).ParamName);
    }

    [Fact]
    public void Fit_ValidationRowsLackAColumn_ThrowsAndSaysThatItIsTheValidation()
    {
        var ml = new MLContext(1);
        IDataView view = Some.Linear(1, 5, 2).View(ml);
        IDataView validation = ml.Transforms.DropColumns("Features").Fit(view).Transform(view);

        var argument = Assert.Throws<ArgumentOutOfRangeException>(() => ml.Regression.Trainers.RmsProp().Fit(view, validation));
        var option = Assert.Throws<ArgumentOutOfRangeException>(() => ml.Regression.Trainers.RmsProp(new Options { ValidationSet = validation })
            .Fit(view));

        Assert.Equal(("validationData", "ValidationSet"), (argument.ParamName, option.ParamName));
        Assert.All([argument, option], exception => Assert.StartsWith(
            "Could not find feature column 'Features' of the validation data. The columns are 'Label', 'Weight'; the validation rows must have " +
            "been through the same transforms",
            exception.Message, StringComparison.Ordinal));
    }

    private static void AssertAsSdca(MLContext ml, IDataView view, string features, string label, string weight, string remedy)
    {
        var sdca = ml.Regression.Trainers.Sdca(label, features, weight);
        var trainer = ml.Regression.Trainers.RmsProp(label, features, weight);
        SchemaShape shape = MlNetInternals.ShapeOf(view.Schema);

        string expected = Essence(Assert.Throws<ArgumentOutOfRangeException>(() => sdca.Fit(view)));
        Assert.Equal(expected, Essence(Assert.Throws<ArgumentOutOfRangeException>(() => sdca.GetOutputSchema(shape))));

        foreach (ArgumentOutOfRangeException exception in new[]
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(view)),
            Assert.Throws<ArgumentOutOfRangeException>(() => trainer.GetOutputSchema(shape)),
        })
        {
            Assert.StartsWith(expected + ".", exception.Message, StringComparison.Ordinal);
            Assert.Contains(remedy, exception.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>The message without the name of ML.NET's parameter.</summary>
    private static string Essence(ArgumentOutOfRangeException exception)
    {
        string[] parts = exception.Message.Split(" (Parameter");
        Assert.Equal(2, parts.Length);
        return parts[0];
    }
}
