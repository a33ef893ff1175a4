using System.Globalization;
using System.Reflection;
using Microsoft.ML.SearchSpace;
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
        (nameof(Options.L1Regularization), NonNegative, [-1e-6f], [0, 10], (options, value) => options.L1Regularization = value),
        (nameof(Options.GradientClippingNorm), Positive, [0, -1], [1e-30f, 1e30f], (options, value) => options.GradientClippingNorm = value),
        (nameof(Options.ValidationFraction), HalfOpen, [-0.01f, 1], [0, 0.999f], (options, value) => options.ValidationFraction = value),
        (nameof(EarlyStopping.MinimumImprovement), HalfOpen, [-0.01f, 1], [0, 0.999f],
            (options, value) => options.EarlyStopping = new() { MinimumImprovement = value }),
        (nameof(Options.AveragedFraction), Closed, [-0.01f, 1.01f], [0, 1], (options, value) => options.AveragedFraction = value),
        (nameof(Options.InitialWeightsStandardDeviation), NonNegative, [-1], [0, 3],
            (options, value) => options.InitialWeightsStandardDeviation = value),
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

        Assert.Equal("options", exception.ParamName);
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
    public void RmsProp_CountBelowOne_ThrowsWithNameValueAndRange(int value)
    {
        AssertAtLeastOne(nameof(Options.BatchSize), new() { BatchSize = value });
        AssertAtLeastOne(nameof(Options.NumberOfEpochs), new() { NumberOfEpochs = value });
        AssertAtLeastOne(nameof(Options.NumberOfThreads), new() { NumberOfThreads = value });
        AssertAtLeastOne("EarlyStopping.Patience", new() { EarlyStopping = new() { Patience = value } });

        void AssertAtLeastOne(string name, Options options)
        {
            var exception = Assert.Throws<ArgumentOutOfRangeException>(() => new MLContext(1).Regression.Trainers.RmsProp(options));
            Assert.Equal("options", exception.ParamName);
            Assert.Equal((long)value, exception.ActualValue);
            Assert.Contains($"{name} must be at least 1", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void RmsProp_ValidationRowsFromTwoOptions_ThrowsWithBothNames()
    {
        var ml = new MLContext(1);
        var options = new Options { ValidationFraction = 0.1f, ValidationSet = Some.Linear(1, 5, 2).View(ml) };

        var exception = Assert.Throws<ArgumentException>(() => ml.Regression.Trainers.RmsProp(options));

        Assert.Contains("ValidationFraction and ValidationSet exclude each other", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RmsProp_UndefinedEpsilonPlacement_ThrowsWithTheChoices()
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() =>
            new MLContext(1).Regression.Trainers.RmsProp(new Options { EpsilonPlacement = (EpsilonPlacement)2 }));

        Assert.Equal("options", exception.ParamName);
        Assert.Contains(nameof(Options.EpsilonPlacement), exception.Message, StringComparison.Ordinal);
        Assert.Contains("OutsideSquareRoot, InsideSquareRoot", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    public void RmsProp_ColumnNameEmpty_ThrowsWithTheOption(string name)
    {
        AssertNamed(nameof(Options.LabelColumnName), new() { LabelColumnName = name });
        AssertNamed(nameof(Options.FeatureColumnName), new() { FeatureColumnName = name });
        AssertNamed(nameof(Options.ExampleWeightColumnName), new() { ExampleWeightColumnName = name });

        void AssertNamed(string option, Options options)
        {
            var exception = Assert.Throws<ArgumentException>(() => new MLContext(1).Regression.Trainers.RmsProp(options));
            Assert.Equal("options", exception.ParamName);
            Assert.Contains($"{option} must name a column, but is '{name}'", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void RmsProp_NameScheduleOrOptionsNull_Throws()
    {
        RegressionCatalog.RegressionTrainers trainers = new MLContext(1).Regression.Trainers;

        foreach ((string name, Options options) in new[]
        {
            (nameof(Options.LearningRateSchedule), new Options { LearningRateSchedule = null! }),
            (nameof(Options.LabelColumnName), new Options { LabelColumnName = null! }),
            (nameof(Options.FeatureColumnName), new Options { FeatureColumnName = null! }),
        })
        {
            var exception = Assert.Throws<ArgumentNullException>(() => trainers.RmsProp(options));
            Assert.Equal(nameof(options), exception.ParamName);
            Assert.StartsWith($"{name} must not be null.", exception.Message, StringComparison.Ordinal);
        }
        Assert.Throws<ArgumentNullException>(() => trainers.RmsProp((Options)null!));
        Assert.Throws<ArgumentNullException>(() => RmsPropCatalog.RmsProp(null!, new Options()));
    }

    [Theory]
    [InlineData(nameof(Options.L1Regularization))]
    [InlineData(nameof(Options.NonNegativeWeights))]
    [InlineData(nameof(Options.Standardize))]
    public void RmsProp_DecorrelateWithAnOptionThatNeedsTheColumnsThemselves_ThrowsWithBothNames(string other)
    {
        Options With(bool? decorrelate) => new()
        {
            Decorrelate = decorrelate,
            L1Regularization = other == nameof(Options.L1Regularization) ? 0.1f : 0,
            NonNegativeWeights = other == nameof(Options.NonNegativeWeights),
            Standardize = other != nameof(Options.Standardize),
        };

        var exception = Assert.Throws<ArgumentException>(() => new MLContext(1).Regression.Trainers.RmsProp(With(true)));

        Assert.Equal("options", exception.ParamName);
        Assert.Contains(nameof(Options.Decorrelate), exception.Message, StringComparison.Ordinal);
        Assert.Contains(other, exception.Message, StringComparison.Ordinal);
        Assert.All(new bool?[] { null, false }, decorrelate => Assert.NotNull(new MLContext(1).Regression.Trainers.RmsProp(With(decorrelate))));
    }

    [Fact]
    public void Constructor_NewOptions_HasTheDefaultsOfTheDesign()
    {
        var options = new Options();

        Assert.Equal(("Label", "Features", null), (options.LabelColumnName, options.FeatureColumnName, options.ExampleWeightColumnName));
        Assert.Equal((0.03f, 0.999f, 1e-4f, 0f, null),
            (options.LearningRate, options.Alpha, options.Epsilon, options.Momentum, options.L2Regularization));
        Assert.Equal((256, null, 0.2f, 0f, null),
            (options.BatchSize, options.NumberOfEpochs, options.AveragedFraction, options.InitialWeightsStandardDeviation, options.Seed));
        Assert.Equal((true, null, true, true, false),
            (options.Standardize, options.Decorrelate, options.Shuffle, options.BiasCorrection, options.Centered));
        Assert.Equal(EpsilonPlacement.OutsideSquareRoot, options.EpsilonPlacement);
        Assert.Equal(LearningRateSchedule.CosineThenConstant(0.03, 0.8).Name, options.LearningRateSchedule.Name);
        Assert.Equal((0f, false, null, null),
            (options.L1Regularization, options.NonNegativeWeights, options.GradientClippingNorm, options.NumberOfThreads));
        Assert.Equal((0f, CancellationToken.None), (options.ValidationFraction, options.CancellationToken));
        Assert.All(
            new object?[]
            {
                options.LossFunction, options.ValidationSet, options.EarlyStopping, options.EpochCompleted, options.Progress, options.Collective,
            }, Assert.Null);
        Assert.Equal((10, 0f), (new EarlyStopping().Patience, new EarlyStopping().MinimumImprovement));
    }

    private static readonly PropertyInfo[] _searched =
        [.. typeof(Options).GetProperties().Where(property => property.GetCustomAttribute<Microsoft.ML.SearchSpace.RangeAttribute>() is not null)];

    [Fact]
    public void SearchRanges_OfEveryOption_BeginAtTheDefaultWhereThatIsANumber()
    {
        Assert.NotEmpty(_searched);
        foreach (PropertyInfo property in _searched)
        {
            (double low, double high, double? start) = Range(property);
            Assert.True(low < high, property.Name);
            Assert.NotNull(start);
            Assert.InRange(start.Value, low, high);
            if (property.GetValue(new Options()) is { } value)
                Assert.Equal(Convert.ToDouble(value), start.Value);
        }
        PropertyInfo[] choices = [.. typeof(Options).GetProperties()
            .Where(property => property.GetCustomAttribute<BooleanChoiceAttribute>() is not null)];
        Assert.NotEmpty(choices);
        Assert.All(choices, choice =>
            Assert.Equal(choice.GetValue(new Options()), choice.GetCustomAttribute<BooleanChoiceAttribute>()!.DefaultValue));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void SearchRanges_AllOptionsAtOnceAtAnyEnd_AreAcceptedTogether(int end)
    {
        var options = new Options { Centered = end > 0 };
        foreach (PropertyInfo property in _searched)
        {
            (double low, double high, double? start) = Range(property);
            double value = end switch { 0 => low, 1 => high, _ => start!.Value };
            property.SetValue(options, Convert.ChangeType(value, Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType));
        }

        // A search draws each option by itself: any two of them must go together.
        Assert.NotNull(new MLContext(1).Regression.Trainers.RmsProp(options));
    }

    private static (double Low, double High, double? Start) Range(PropertyInfo property)
    {
        var range = property.GetCustomAttribute<Microsoft.ML.SearchSpace.RangeAttribute>()!;
        return (Convert.ToDouble(range.Min), Convert.ToDouble(range.Max), range.Init is null ? null : Convert.ToDouble(range.Init));
    }

    [Fact]
    public void Clone_EveryOption_IsCopiedAndIndependent()
    {
        var options = new Options();
        foreach (PropertyInfo property in typeof(Options).GetProperties().Where(property => property.CanWrite))
            property.SetValue(options, Other(property.PropertyType, property.GetValue(options)));

        Options copy = options.Clone();

        Assert.All(typeof(Options).GetProperties(), property => Assert.Equal(property.GetValue(options), property.GetValue(copy)));
        Assert.All(typeof(Options).GetProperties(), property => Assert.NotEqual(property.GetValue(new Options()), property.GetValue(copy)));
        copy.BatchSize = 3;
        Assert.NotEqual(3, options.BatchSize);
    }

    [Fact]
    public void ToString_OptionsThatWereSet_AreNamedWithTheirValues()
    {
        Assert.Equal("Options, all at their defaults", new Options().ToString());
        Assert.Equal("Options { LabelColumnName = \"Price\", LearningRate = 0.5, LearningRateSchedule = constant, L2Regularization = 0, " +
            "LossFunction = HuberLoss(delta: 1.5), Seed = 7, EpochCompleted = set }, the others at their defaults", new Options
            {
                LabelColumnName = "Price",
                LearningRate = 0.5f,
                LearningRateSchedule = LearningRateSchedule.Constant,
                L2Regularization = 0,
                LossFunction = new HuberLoss(1.5f),
                Seed = 7,
                EpochCompleted = _ => { },
            }.ToString());
    }

    [Fact]
    public void ToString_OptionsThatAreRecords_AreNamedByTheirPropertiesInAnyCulture()
    {
        CultureInfo culture = CultureInfo.CurrentCulture;
        var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        comma.NumberFormat.NumberDecimalSeparator = ",";
        try
        {
            CultureInfo.CurrentCulture = comma;
            Assert.Equal("Options { L1Regularization = 0.1, NonNegativeWeights = True, EarlyStopping.Patience = 3, " +
                "EarlyStopping.MinimumImprovement = 0.5, Checkpoint.Path = \"a\", Checkpoint.Interval = 00:01:00, Checkpoint.Keep = True }, " +
                "the others at their defaults", new Options
                {
                    L1Regularization = 0.1f,
                    NonNegativeWeights = true,
                    EarlyStopping = new() { Patience = 3, MinimumImprovement = 0.5f },
                    Checkpoint = new() { Path = "a", Keep = true },
                }.ToString());
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Fact]
    public void Table_Lines_AreThePublicOptionsAndTheirPropertiesInOrder()
    {
        IEnumerable<string> expected = typeof(Options).GetProperties().SelectMany(option =>
            option.PropertyType == typeof(EarlyStopping) || option.PropertyType == typeof(CheckpointOptions)
                ? option.PropertyType.GetProperties().Where(property => property.CanWrite)
                    .Select(property => $"{option.Name}.{property.Name}").Prepend(option.Name)
                : [option.Name]);

        Assert.Equal(expected, OptionTable.Lines.Select(line => line.Name));
    }

    [Fact]
    public void Table_EachLine_ReadsItsOwnOption()
    {
        foreach (PropertyInfo property in typeof(Options).GetProperties())
        {
            var options = new Options();
            property.SetValue(options, Other(property.PropertyType, property.GetValue(options)));

            Assert.All(OptionTable.Lines, line => Assert.Equal(
                line.Name == property.Name || line.Name.StartsWith(property.Name + ".", StringComparison.Ordinal) && line.Value(options) is not null,
                !Equals(line.Value(options), line.Value(new Options()))));
        }
    }

    /// <summary>Another value of a type.</summary>
    private static object Other(Type type, object? value) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var t when t == typeof(string) => $"other than {value}",
        var t when t == typeof(float) => (value as float? ?? 0) + 0.5f,
        var t when t == typeof(int) => (value as int? ?? 0) + 1,
        var t when t == typeof(long) => 1L,
        var t when t == typeof(bool) => !(value as bool? ?? false),
        var t when t == typeof(EpsilonPlacement) => EpsilonPlacement.InsideSquareRoot,
        var t when t == typeof(LearningRateSchedule) => LearningRateSchedule.Constant,
        var t when t == typeof(Microsoft.ML.Trainers.IRegressionLoss) => new AbsoluteLoss(),
        var t when t == typeof(IDataView) => Some.Linear(1, 5, 2).View(new MLContext(1)),
        var t when t == typeof(EarlyStopping) => new EarlyStopping(),
        var t when t == typeof(CheckpointOptions) => new CheckpointOptions { Path = "some.checkpoint" },
        var t when t == typeof(Action<EpochProgress>) => new Action<EpochProgress>(_ => { }),
        var t when t == typeof(IProgress<TrainingProgress>) => new ProgressCollector(),
        var t when t == typeof(ICollective) => LocalCollective.Instance,
        var t when t == typeof(CancellationToken) => new CancellationToken(canceled: true),
        var t => throw new NotSupportedException($"Say what another value of {t} is."),
    };

    [Fact]
    public void Seed_Null_IsThatOfTheContextOr0()
    {
        Examples rows = Some.Linear(1, 300, 3);
        float[] Fit(int? contextSeed, int? seed)
        {
            var ml = new MLContext(contextSeed);
            return ml.Regression.Trainers.RmsProp(new Options { Seed = seed, NumberOfEpochs = 1 }).Fit(rows.View(ml)).Parameters();
        }

        Assert.Equal(Fit(null, 0), Fit(null, null));
        Assert.Equal(Fit(null, 5), Fit(5, null));
        Assert.Equal(Fit(null, 7), Fit(5, 7));
        Assert.NotEqual(Fit(null, 0), Fit(5, null));
    }

    [Fact]
    public void Seed_OfTheContext_DoesNotDependOnWhatElseWasMadeFromIt()
    {
        Examples rows = Some.Linear(1, 300, 3);
        var ml = new MLContext(5);
        float[] first = ml.Regression.Trainers.RmsProp().Fit(rows.View(ml)).Parameters();
        ml.Regression.Trainers.Sdca(maximumNumberOfIterations: 1).Fit(rows.View(ml));

        Assert.Equal(first, ml.Regression.Trainers.RmsProp().Fit(rows.View(ml)).Parameters());
    }

    [Fact]
    public void Textbook_EachTime_IsANewObjectWithTheBooksSettings()
    {
        Options options = Options.Textbook();

        Assert.NotSame(options, Options.Textbook());
        Assert.Equal((0.01f, 0.9f, 1e-6f, 0f, null),
            (options.LearningRate, options.Alpha, options.Epsilon, options.Momentum, options.L2Regularization));
        Assert.Equal((10, 2, 0f, 0.01f),
            (options.BatchSize, options.NumberOfEpochs, options.AveragedFraction, options.InitialWeightsStandardDeviation));
        Assert.Equal((false, null, true, false, false),
            (options.Standardize, options.Decorrelate, options.Shuffle, options.BiasCorrection, options.Centered));
        Assert.Equal(EpsilonPlacement.InsideSquareRoot, options.EpsilonPlacement);
        Assert.Same(LearningRateSchedule.Constant, options.LearningRateSchedule);
    }

    [Fact]
    public void RmsProp_CommonArguments_AreTheDefaultsOfTheOptions()
    {
        Examples rows = Some.Linear(1, 100, 3);
        var ml = new MLContext(1);

        Assert.Equal(rows.Fit(new Options()).Parameters(), ml.Regression.Trainers.RmsProp().Fit(rows.View(ml)).Parameters());
    }
}
