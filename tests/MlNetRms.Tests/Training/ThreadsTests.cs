using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>The number of threads changes only the time.</summary>
public sealed class ThreadsTests
{
    private const int Columns = 120;
    private const int BatchSize = 256;        // 256 rows of 128 floats: more than 25 000 values, eight blocks of rows

    [Theory]
    [InlineData(700, false, false)]
    [InlineData(700, true, false)]
    [InlineData(257, false, false)]        // batches of 129 rows: half of the blocks are empty
    [InlineData(700, false, true)]
    [InlineData(700, true, true)]
    [InlineData(257, false, true)]
    public void Fit_AnyNumberOfThreads_GivesIdenticalBits(int rowCount, bool weighted, bool decorrelate)
    {
        Examples rows = Some.Linear(1, rowCount, Columns, weighted: weighted);
        void Coordinates(Options options) => options.Decorrelate = decorrelate;
        RmsPropRegressionTransformer one = Fit(rows, 1, Coordinates);

        Assert.Equal(1, one.Training.NumberOfThreads);
        foreach (int threads in new[] { 2, 3, 4, 8 })
        {
            RmsPropRegressionTransformer several = Fit(rows, threads, Coordinates);
            Assert.Equal(threads, several.Training.NumberOfThreads);
            Assert.Equal(one.Parameters(), several.Parameters());
            Assert.Equal(one.Training.Epochs.Select(epoch => epoch.Loss), several.Training.Epochs.Select(epoch => epoch.Loss));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("weighted")]
    [InlineData("momentum")]
    [InlineData("centered")]
    [InlineData("validation")]
    public void Fit_LazyWeightsOnSeveralThreads_GivesIdenticalBits(string form)
    {
        Examples rows = Some.MostlyZero(1, 1500, 2, 400, 20);        // batches of 256 rows with 20 values: more than 4000
        if (form == "weighted")
            rows = new Examples(rows.Features, rows.Labels, [.. Enumerable.Range(0, rows.Count).Select(row => 0.5f + row % 3)]);
        void Form(Options options)
        {
            options.Momentum = form == "momentum" ? 0.9f : 0;
            options.LearningRateSchedule = form == "momentum" ? LearningRateSchedule.Constant : options.LearningRateSchedule;
            options.Centered = form == "centered";
            options.ValidationFraction = form == "validation" ? 0.2f : 0;
        }
        RmsPropRegressionTransformer one = Fit(rows, 1, Form);

        Assert.Equal(1, one.Training.NumberOfThreads);
        foreach (int threads in new[] { 2, 3, 8 })
        {
            RmsPropRegressionTransformer several = Fit(rows, threads, Form);
            Assert.Equal(threads, several.Training.NumberOfThreads);
            Assert.Equal(one.Parameters(), several.Parameters());
            Assert.Equal(one.Training.Epochs.Select(epoch => epoch.Loss), several.Training.Epochs.Select(epoch => epoch.Loss));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fit_RowsReadAndPackedOnSeveralThreads_GivesIdenticalBitsAndCounts(bool shuffle)
    {
        Examples rows = Some.Linear(1, 60_000, 20, weighted: true);        // more than a million packed values, hundreds of blocks
        for (int row = 7; row < rows.Count; row += 1000)
            (rows.Features[row][3], rows.Labels[row + 1], rows.Weights![row + 2]) = (float.NaN, float.NaN, 0);
        var ml = new MLContext(1);
        IDataView view = rows.View(ml, row => row % 4 == 0);
        RmsPropRegressionTransformer one = Fit(1);

        Assert.Equal((60, 60, 60), Skipped(one));
        foreach (int threads in new[] { 2, 4 })
        {
            RmsPropRegressionTransformer several = Fit(threads);
            Assert.Equal(one.Parameters(), several.Parameters());
            Assert.Equal(one.Training.Epochs.Select(epoch => epoch.ValidationLoss), several.Training.Epochs.Select(epoch => epoch.ValidationLoss));
            Assert.Equal(Skipped(one), Skipped(several));
        }

        RmsPropRegressionTransformer Fit(int threads) => ml.Regression.Trainers.RmsProp(new()
        {
            ExampleWeightColumnName = nameof(Support.Example.Weight),
            ValidationFraction = 0.2f,
            NumberOfEpochs = 1,
            Shuffle = shuffle,
            NumberOfThreads = threads,
        }).Fit(view);

        static (long Label, long Weight, long Features) Skipped(RmsPropRegressionTransformer model) =>
            (model.Training.RowsSkippedForLabel, model.Training.RowsSkippedForWeight, model.Training.RowsSkippedForFeatures);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void Fit_LossAndPenaltiesOnSeveralThreads_GiveIdenticalBits(int threads)
    {
        Examples rows = Some.Linear(1, 600, Columns, weighted: true);
        void Everything(Options options)
        {
            options.LossFunction = new HuberLoss(0.5f);
            options.L1Regularization = 0.01f;
            options.NonNegativeWeights = true;
            options.GradientClippingNorm = 0.5f;
        }

        Assert.Equal(Fit(rows, 1, Everything).Parameters(), Fit(rows, threads, Everything).Parameters());
    }

    [Fact]
    public void Fit_NumberOfThreadsNotGiven_UsesAtMostOneAProcessorWithTheSameBits()
    {
        Examples rows = Some.Linear(1, 600, Columns);
        RmsPropRegressionTransformer model = Fit(rows, null);

        Assert.Equal(Math.Min(Environment.ProcessorCount, 8), model.Training.NumberOfThreads);
        Assert.Equal(Fit(rows, 1).Parameters(), model.Parameters());
    }

    [Fact]
    public void Fit_BatchesTooSmallToGain_UsesOneThread()
    {
        Assert.Equal(1, Some.Linear(1, 300, 20).Fit(new() { NumberOfEpochs = 1, NumberOfThreads = 4 }).Training.NumberOfThreads);
        Assert.Equal(1, Some.MostlyZero(1, 600, Columns, 100, 3)
            .Fit(new() { Decorrelate = false, NumberOfEpochs = 1, NumberOfThreads = 4, BatchSize = BatchSize }).Training.NumberOfThreads);
    }

    [Fact]
    public void Fit_LossThatThrowsOnAnyThread_ThrowsItUnchanged()
    {
        var thrown = new InvalidDataException("in the loss");
        int calls = 0;
        Examples rows = Some.Linear(1, 600, Columns);

        var caught = Assert.Throws<InvalidDataException>(() => Fit(rows, 4, options => options.LossFunction = new LossOf(
            (_, _) => Interlocked.Increment(ref calls) > 3000 ? throw thrown : 1, (_, _) => 1)));

        Assert.Same(thrown, caught);
    }

    private static RmsPropRegressionTransformer Fit(Examples rows, int? threads, Action<Options>? configure = null)
    {
        var options = new Options
        {
            BatchSize = BatchSize,
            NumberOfEpochs = 8,
            NumberOfThreads = threads,
            ExampleWeightColumnName = rows.Weights is null ? null : nameof(Example.Weight),
        };
        configure?.Invoke(options);
        return rows.Fit(options);
    }
}
