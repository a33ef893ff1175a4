using Microsoft.ML.Data;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;
using PackedRows = MlNetRms.Rows.PackedRows;
using TrainingRows = MlNetRms.Rows.TrainingRows;

namespace MlNetRms.Tests.Training;

/// <summary>Validation rows evaluate the epochs and change nothing else.</summary>
public sealed class ValidationTests
{
    private const double SumsOfFloats = 2e-5;

    private static readonly Examples _train = Some.Linear(1, 230, [1, 10, 0.1], means: [5, 0, 1], labelOffset: 50, labelScale: 4);
    private static readonly Examples _validation = Some.Linear(1, 400, [1, 10, 0.1], means: [5, 0, 1], labelOffset: 50, labelScale: 4)
        .Take(Enumerable.Range(230, 170));

    private readonly MLContext _ml = new(1);

    public static TheoryData<bool, bool, bool> Kinds => new()
    {
        { false, false, false },
        { false, true, false },
        { true, false, false },
        { true, true, false },
        { false, false, true },
        { true, false, true },
    };

    /// <summary>At a constant rate and without averaging, an epoch ends like a training of exactly that many epochs.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public void Fit_ValidationData_ReportsTheMeanLossOfTheModelAfterEachEpoch(bool standardize, bool weighted, bool sparse)
    {
        (Examples train, Examples validation) = sparse
            ? (Some.MostlyZero(1, 700, 2, 330, 3), Some.MostlyZero(2, 100, 2, 330, 3))
            : (_train, _validation);
        if (weighted)
            (train, validation) = (Weighted(train), Weighted(validation));
        // Both are half the square everywhere, but with null the bias is computed from the means.
        foreach (HuberLoss? loss in standardize ? new HuberLoss?[] { null, new(1e9f) } : [null])
        {
            TrainingReport report = Trainer(Length(5, loss)).Fit(train.View(_ml), validation.View(_ml)).Training;

            Assert.Equal(validation.Count, report.ValidationRows);
            Assert.Equal(5, report.Epochs.Count);
            foreach (EpochReport epoch in report.Epochs)
            {
                double expected = 0.5 * Math.Pow(train.Fit(Length(epoch.Epoch, loss)).Rmse(validation), 2);
                Assert.Equal(expected, epoch.ValidationLoss!.Value, SumsOfFloats * expected);
            }
        }

        Options Length(int epochs, HuberLoss? loss) => new()
        {
            Standardize = standardize,
            LossFunction = loss,
            NumberOfEpochs = epochs,
            BatchSize = 50,
            LearningRateSchedule = LearningRateSchedule.Constant,
            AveragedFraction = 0,
            ExampleWeightColumnName = weighted ? nameof(Example.Weight) : null,
        };
    }

    [Fact]
    public void Fit_ValidationDataAndALoss_ReportsTheMeanOfThatLossInLabelUnits()
    {
        var loss = new AbsoluteLoss();
        RmsPropRegressionTransformer model = Trainer(new() { LossFunction = loss, NumberOfEpochs = 30 }).Fit(_train.View(_ml), _validation.View(_ml));

        float[] scores = model.Scores(_validation.View(_ml));
        double expected = scores.Zip(_validation.Labels, loss.Loss).Average();
        Assert.Equal(expected, model.Training.Epochs[^1].ValidationLoss!.Value, SumsOfFloats * expected);
    }

    [Fact]
    public void Fit_ValidationDataAndSquaredLoss_ReportsTheLossOfTheReturnedModel()
    {
        RmsPropRegressionTransformer model = Trainer(new()).Fit(_train.View(_ml), _validation.View(_ml));

        double expected = 0.5 * Math.Pow(model.Rmse(_validation), 2);
        Assert.Equal(expected, model.Training.Epochs[^1].ValidationLoss!.Value, SumsOfFloats * expected);
    }

    [Fact]
    public void Fit_AnyValidationData_GivesTheModelOfTheTrainingRowsAlone()
    {
        float[] alone = _train.Fit().Parameters();
        var strange = new Examples(_validation.Features.Select(row => row.Select(x => 1e6f * x).ToArray()).ToArray(), _validation.Labels);

        Assert.Equal(alone, Trainer(new()).Fit(_train.View(_ml), _validation.View(_ml)).Parameters());
        Assert.Equal(alone, Trainer(new()).Fit(_train.View(_ml), strange.View(_ml)).Parameters());
    }

    [Theory]
    [InlineData(0.2f, 0, false)]
    [InlineData(0.5f, 7, false)]
    [InlineData(0.2f, 3, true)]
    public void Fit_ValidationFraction_TrainsAsOnTheOtherRowsAlone(float fraction, int seed, bool sparseRows)
    {
        (int[] training, int[] validation) = Split(_train.Count, fraction, seed);
        Assert.Equal(Enumerable.Range(0, _train.Count), training.Concat(validation).Order());
        // Five standard deviations of a binomial.
        Assert.InRange(validation.Length, fraction * 230 - 5 * Math.Sqrt(57), fraction * 230 + 5 * Math.Sqrt(57));
        Examples rest = _train.Take(training);
        Examples aside = _train.Take(validation);
        bool IsSparse(int row) => sparseRows;

        RmsPropRegressionTransformer split = Trainer(new() { ValidationFraction = fraction, Seed = seed }).Fit(_train.View(_ml, IsSparse));
        RmsPropRegressionTransformer apart = Trainer(new() { Seed = seed }).Fit(rest.View(_ml, IsSparse), aside.View(_ml, IsSparse));

        Assert.Equal(apart.Parameters(), split.Parameters());
        Models.AssertClose(apart.Training.Epochs.Select(epoch => (float)epoch.ValidationLoss!).ToArray(),
            split.Training.Epochs.Select(epoch => (float)epoch.ValidationLoss!).ToArray(), SumsOfFloats);
        Assert.Equal((230, training.Length, validation.Length),
            (split.Training.RowsRead, split.Training.RowsUsed, split.Training.ValidationRows));
    }

    [Fact]
    public void Fit_ValidationDataWithBadRows_SkipsThemAndWarnsOnce()
    {
        Examples bad = new([.. _validation.Features.Prepend([float.NaN, 0, 0])], [.. _validation.Labels.Prepend(1)]);
        var log = new LogCollector(_ml);

        TrainingReport report = Trainer(new() { NumberOfEpochs = 1 }).Fit(_train.View(_ml), bad.View(_ml)).Training;

        Assert.Equal(_validation.Count, report.ValidationRows);
        Assert.Equal(Trainer(new() { NumberOfEpochs = 1 }).Fit(_train.View(_ml), _validation.View(_ml)).Training.Epochs[0].ValidationLoss,
            report.Epochs[0].ValidationLoss);
        Assert.Single(log.Messages(Microsoft.ML.Runtime.ChannelMessageKind.Warning),
            line => line.StartsWith("Skipped 1 of 171 validation rows: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Fit_ValidationFraction_SplitsBySeedAndNotByEncodingOrSkippedRows()
    {
        Assert.Equal(Split(200, 0.3f, 1).Validation, Split(200, 0.3f, 1, row => row % 3 == 0).Validation);
        Assert.NotEqual(Split(200, 0.3f, 1).Validation, Split(200, 0.3f, 2).Validation);
        Examples bad = new([.. _train.Features.Prepend([float.NaN, 0, 0])], [.. _train.Labels.Prepend(1)]);

        RmsPropRegressionTransformer model = bad.Fit(new() { ValidationFraction = 0.3f });

        Assert.Equal(_train.Fit(new() { ValidationFraction = 0.3f }).Parameters(), model.Parameters());
        Assert.Equal((231, 1, 230),
            (model.Training.RowsRead, model.Training.RowsSkippedForFeatures, model.Training.RowsUsed + model.Training.ValidationRows));
    }

    [Fact]
    public void Fit_NoValidationRows_ReportsNone()
    {
        TrainingReport report = _train.Fit(new() { NumberOfEpochs = 2 }).Training;

        Assert.Equal(0, report.ValidationRows);
        Assert.All(report.Epochs, epoch => Assert.Null(epoch.ValidationLoss));
        Assert.Equal(2, report.ReturnedEpoch);
    }

    [Fact]
    public void Fit_ValidationSetInAPipeline_IsThatOfFitWithValidationData()
    {
        var transforms = _ml.Transforms.CopyColumns("Copy", "Features").Fit(_train.View(_ml));
        RmsPropRegressionTrainer trainer = Trainer(new() { FeatureColumnName = "Copy", ValidationSet = transforms.Transform(_validation.View(_ml)) });

        TrainingReport inChain = _ml.Transforms.CopyColumns("Copy", "Features").Append(trainer).Fit(_train.View(_ml)).LastTransformer.Training;
        TrainingReport direct = Trainer(new()).Fit(_train.View(_ml), _validation.View(_ml)).Training;

        Assert.Equal(direct.Epochs.Select(epoch => epoch.ValidationLoss), inChain.Epochs.Select(epoch => epoch.ValidationLoss));
        Assert.Equal(_validation.Count, inChain.ValidationRows);
    }

    [Fact]
    public void Fit_ValidationDataWithAWrongColumn_ThrowsBeforeReading()
    {
        IDataView unreadable = Examples.View(_ml, Unreadable(), 3);

        var missing = Assert.Throws<ArgumentOutOfRangeException>(() =>
            Trainer(new()).Fit(unreadable, _ml.Transforms.SelectColumns("Features").Fit(_train.View(_ml)).Transform(_train.View(_ml))));
        var narrow = Assert.Throws<ArgumentOutOfRangeException>(() => Trainer(new()).Fit(unreadable, Some.Linear(1, 5, 2).View(_ml)));

        Assert.Contains("Could not find label column 'Label'", missing.Message, StringComparison.Ordinal);
        Assert.Contains("feature column 'Features' of the validation data: expected Vector<Single, 3>, got Vector<Single, 2>", narrow.Message,
            StringComparison.Ordinal);

        static IEnumerable<Example> Unreadable()
        {
            yield return new Example();
            throw new InvalidDataException("read");
        }
    }

    [Fact]
    public void Fit_ValidationRowsGivenTwice_Throws()
    {
        IDataView view = _validation.View(_ml);

        foreach ((Options options, string name) in new[]
        {
            (new Options { ValidationSet = view }, nameof(Options.ValidationSet)),
            (new Options { ValidationFraction = 0.1f }, nameof(Options.ValidationFraction)),
        })
        {
            var exception = Assert.Throws<InvalidOperationException>(() => Trainer(options).Fit(_train.View(_ml), view));
            Assert.Contains(name, exception.Message, StringComparison.Ordinal);
        }
        Assert.Throws<ArgumentNullException>(() => Trainer(new()).Fit(_train.View(_ml), (IDataView)null!));
    }

    [Fact]
    public void Fit_NoUsableValidationRow_ThrowsAndSaysThatItIsTheValidationData()
    {
        var empty = Assert.Throws<InvalidOperationException>(() => Trainer(new()).Fit(_train.View(_ml), Examples.View(_ml, [], 3)));
        var bad = Assert.Throws<InvalidOperationException>(() =>
            Trainer(new()).Fit(_train.View(_ml), new Examples([[1f, 1f, float.NaN]], [1f]).View(_ml)));

        Assert.Equal("The validation data has no rows.", empty.Message);
        Assert.StartsWith("None of the 1 validation rows can be used", bad.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_ValidationFractionTakesEveryRow_ThrowsAndNamesTheOption()
    {
        var exception = Assert.Throws<InvalidOperationException>(() => _train.Take([0, 1]).Fit(new() { ValidationFraction = 0.9999f }));

        Assert.Contains("ValidationFraction set all 2 usable rows aside", exception.Message, StringComparison.Ordinal);
    }

    private RmsPropRegressionTrainer Trainer(Options options) => _ml.Regression.Trainers.RmsProp(options);

    /// <summary>The training rows and the validation rows, identified by their labels.</summary>
    private static (int[] Training, int[] Validation) Split(int count, float fraction, int seed, Func<int, bool>? isSparse = null)
    {
        var numbered = new Examples(_train.Features.Take(count).ToArray(), Enumerable.Range(0, count).Select(row => (float)row).ToArray());
        var options = new Options { ValidationFraction = fraction, Seed = seed, Standardize = false };
        IDataView view = numbered.View(new MLContext(1), isSparse ?? (_ => false));
        using TrainingRows read = Stored.Read(view, options);
        return (Labels(read.Training.Shards[0]), Labels(read.Validation!.Shards[0]));

        static int[] Labels(PackedRows store) =>
            Enumerable.Range(0, (int)store.RowCount).Select(row => (int)Stored.Row(store, row).Label).Order().ToArray();
    }

    private static Examples Weighted(Examples rows) =>
        new(rows.Features, rows.Labels, Enumerable.Range(0, rows.Count).Select(row => 0.5f + row % 4).ToArray());
}
