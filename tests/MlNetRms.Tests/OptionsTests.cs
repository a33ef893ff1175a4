using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests;

public sealed class OptionsTests
{
    private const string Positive = "must be a finite number greater than 0";
    private const string NonNegative = "must be a finite number, 0 or greater";
    private const string HalfOpen = "must be in [0, 1).";
    private const string Closed = "must be in [0, 1].";

    private static readonly (string Name, string Range, float[] Bad, float[] Good, Action<Options, float> Set)[] _numbers =
    [
        (nameof(Options.LearningRate), Positive, [0, -1], [1e-30f, 1e30f], (options, value) => options.LearningRate = value),
        (nameof(Options.Alpha), HalfOpen, [-1e-6f, 1, 1.5f], [0, 0.99999f], (options, value) => options.Alpha = value),
        (nameof(Options.Epsilon), Positive, [0, -1e-8f], [1e-30f, 10], (options, value) => options.Epsilon = value),
        (nameof(Options.Momentum), HalfOpen, [-0.1f, 1], [0, 0.999f], (options, value) => options.Momentum = value),
        (nameof(Options.L2Regularization), NonNegative, [-1e-6f], [0, 10], (options, value) => options.L2Regularization = value),
        (nameof(Options.AveragedFraction), Closed, [-0.01f, 1.01f], [0, 1], (options, value) => options.AveragedFraction = value),
        (nameof(Options.InitialWeightsStandardDeviation), NonNegative, [-1], [0, 3], (options, value) => options.InitialWeightsStandardDeviation = value),
    ];

    public static TheoryData<string, float> BadNumbers
    {
        get
        {
            var data = new TheoryData<string, float>();
            foreach ((string name, _, float[] bad, _, _) in _numbers)
            {
                foreach (float value in bad.Concat([float.NaN, float.PositiveInfinity, float.NegativeInfinity]))
                    data.Add(name, value);
            }
            return data;
        }
    }

    public static TheoryData<string, float> GoodNumbers
    {
        get
        {
            var data = new TheoryData<string, float>();
            foreach ((string name, _, _, float[] good, _) in _numbers)
            {
                foreach (float value in good)
                    data.Add(name, value);
            }
            return data;
        }
    }

    [Theory, MemberData(nameof(BadNumbers))]
    public void RmsProp_NumberOutOfRange_ThrowsWithNameValueAndRange(string name, float value)
    {
        (_, string range, _, _, Action<Options, float> set) = _numbers.Single(number => number.Name == name);
        var options = new Options();
        set(options, value);

        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => new MLContext(1).Regression.Trainers.RmsProp(options));

        Assert.Equal(name, exception.ParamName);
        Assert.Equal(value, exception.ActualValue);
        Assert.Contains($"{name} {range}", exception.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(GoodNumbers))]
    public void RmsProp_NumberAtTheEdgeOfItsRange_IsAccepted(string name, float value)
    {
        var options = new Options();
        _numbers.Single(number => number.Name == name).Set(options, value);

        Assert.NotNull(new MLContext(1).Regression.Trainers.RmsProp(options));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void RmsProp_BatchSizeOrEpochsBelowOne_ThrowsWithNameValueAndRange(int value)
    {
        AssertAtLeastOne(nameof(Options.BatchSize), new() { BatchSize = value });
        AssertAtLeastOne(nameof(Options.NumberOfEpochs), new() { NumberOfEpochs = value });

        void AssertAtLeastOne(string name, Options options)
        {
            var exception = Assert.Throws<ArgumentOutOfRangeException>(() => new MLContext(1).Regression.Trainers.RmsProp(options));
            Assert.Equal(name, exception.ParamName);
            Assert.Equal((long)value, exception.ActualValue);
            Assert.Contains($"{name} must be at least 1", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void RmsProp_UndefinedEpsilonPlacement_ThrowsWithTheChoices()
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() =>
            new MLContext(1).Regression.Trainers.RmsProp(new Options { EpsilonPlacement = (EpsilonPlacement)2 }));

        Assert.Equal(nameof(Options.EpsilonPlacement), exception.ParamName);
        Assert.Contains("OutsideSquareRoot, InsideSquareRoot", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "null")]
    [InlineData("", "''")]
    [InlineData("  ", "'  '")]
    public void RmsProp_ColumnNameMissing_ThrowsWithTheOption(string? name, string shown)
    {
        AssertNamed(nameof(Options.LabelColumnName), new() { LabelColumnName = name! });
        AssertNamed(nameof(Options.FeatureColumnName), new() { FeatureColumnName = name! });
        if (name is not null)
            AssertNamed(nameof(Options.ExampleWeightColumnName), new() { ExampleWeightColumnName = name });

        void AssertNamed(string option, Options options)
        {
            var exception = Assert.Throws<ArgumentException>(() => new MLContext(1).Regression.Trainers.RmsProp(options));
            Assert.Equal(option, exception.ParamName);
            Assert.Contains($"{option} must name a column, but is {shown}", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void RmsProp_ScheduleOrOptionsNull_Throws()
    {
        RegressionCatalog.RegressionTrainers trainers = new MLContext(1).Regression.Trainers;

        Assert.Equal(nameof(Options.LearningRateSchedule),
            Assert.Throws<ArgumentNullException>(() => trainers.RmsProp(new Options { LearningRateSchedule = null! })).ParamName);
        Assert.Throws<ArgumentNullException>(() => trainers.RmsProp((Options)null!));
        Assert.Throws<ArgumentNullException>(() => RmsPropCatalog.RmsProp(null!, new Options()));
    }

    [Fact]
    public void Constructor_NewOptions_HasTheDefaultsOfTheDesign()
    {
        var options = new Options();

        Assert.Equal(("Label", "Features", null), (options.LabelColumnName, options.FeatureColumnName, options.ExampleWeightColumnName));
        Assert.Equal((0.03f, 0.999f, 1e-2f, 0f, 0f), (options.LearningRate, options.Alpha, options.Epsilon, options.Momentum, options.L2Regularization));
        Assert.Equal((128, null, 0.2f, 0f, 0), (options.BatchSize, options.NumberOfEpochs, options.AveragedFraction, options.InitialWeightsStandardDeviation, options.Seed));
        Assert.Equal((true, true, true, false), (options.Standardize, options.Shuffle, options.BiasCorrection, options.Centered));
        Assert.Equal(EpsilonPlacement.OutsideSquareRoot, options.EpsilonPlacement);
        Assert.Same(LearningRateSchedule.CosineToZero, options.LearningRateSchedule);
    }

    [Fact]
    public void Textbook_EachTime_IsANewObjectWithTheBooksSettings()
    {
        Options options = Options.Textbook;

        Assert.NotSame(options, Options.Textbook);
        Assert.Equal((0.01f, 0.9f, 1e-6f, 0f, 0f), (options.LearningRate, options.Alpha, options.Epsilon, options.Momentum, options.L2Regularization));
        Assert.Equal((10, 2, 0f, 0.01f), (options.BatchSize, options.NumberOfEpochs, options.AveragedFraction, options.InitialWeightsStandardDeviation));
        Assert.Equal((false, true, false, false), (options.Standardize, options.Shuffle, options.BiasCorrection, options.Centered));
        Assert.Equal(EpsilonPlacement.InsideSquareRoot, options.EpsilonPlacement);
        Assert.Same(LearningRateSchedule.Constant, options.LearningRateSchedule);
    }

    [Fact]
    public void RmsProp_CommonArguments_AreTheDefaultsOfTheOptions()
    {
        Rows rows = Some.Linear(1, 100, 3);
        var ml = new MLContext(1);

        Assert.Equal(rows.Fit(new Options()).Parameters(), ml.Regression.Trainers.RmsProp().Fit(rows.View(ml)).Parameters());
    }
}
