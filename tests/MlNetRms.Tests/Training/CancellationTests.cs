using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>Cancellation ends training with the right exception and leaves nothing behind. Its speed is not tested here.</summary>
public sealed class CancellationTests : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private static readonly Examples _rows = Some.Linear(1, 3000, 4);

    private readonly MLContext _ml = new(1);
    private readonly CancellationTokenSource _source = new();

    public void Dispose() => _source.Dispose();

    [Fact]
    public async Task Fit_CancelledBefore_Throws()
    {
        await _source.CancelAsync();

        await AssertCancelled(new(), () => _rows.View(_ml));
    }

    [Fact]
    public async Task Fit_CancelledByAnotherThreadWhileReadingEndlessRows_Throws()
    {
        using var reading = new ManualResetEventSlim();
        Task cancelling = Task.Run(() =>
        {
            Assert.True(reading.Wait(_patience));
            _source.Cancel();
        });

        await AssertCancelled(new(), () => Examples.View(_ml, Endless(reading.Set), 4));
        await cancelling;
    }

    [Fact]
    public async Task Fit_CancelledWhileReadingValidationRows_Throws() =>
        await AssertCancelled(new() { ValidationSet = Examples.View(_ml, Endless(_source.Cancel), 4) }, () => _rows.View(_ml));

    [Fact]
    public async Task Fit_CancelledWithinAnEpoch_ThrowsBeforeTheNextStep()
    {
        long lastStep = 0;
        var options = new Options
        {
            BatchSize = 10,
            LearningRateSchedule = LearningRateSchedule.Custom("cancels at step 5", (step, _) =>
            {
                lastStep = step;
                if (step == 5)
                    _source.Cancel();
                return 1;
            }),
        };

        await AssertCancelled(options, () => _rows.View(_ml));

        Assert.Equal(5, lastStep);
    }

    [Theory]
    [InlineData(1, 4)]
    [InlineData(3, 4)]
    [InlineData(4, 100)]
    public async Task Fit_CancelledWithinOneHugeBatch_ThrowsBeforeItsEnd(int threads, int columns)
    {
        Examples rows = columns == 4 ? _rows : Some.Linear(1, 3000, columns);
        int losses = 0;
        var options = new Options
        {
            BatchSize = int.MaxValue,
            NumberOfThreads = threads,
            NumberOfEpochs = 1,
            LossFunction = new LossOf((output, label) =>
            {
                if (Interlocked.Increment(ref losses) == 500)
                    _source.Cancel();
                return Math.Abs(output - label);
            }, (output, label) => MathF.Sign(output - label)),
        };

        await AssertCancelled(options, () => rows.View(_ml));

        Assert.InRange(losses, 500, 500 + threads * 128);        // what each thread had begun, at most 128 rows
    }

    [Fact]
    public async Task Fit_CancelledInTheCallback_ThrowsInTheNextEpoch()
    {
        int epochs = 0;
        var options = new Options
        {
            EpochCompleted = _ =>
            {
                if (++epochs == 2)
                    _source.Cancel();
            },
        };

        await AssertCancelled(options, () => _rows.View(_ml));

        Assert.Equal(2, epochs);
    }

    [Theory]
    [InlineData("dense")]
    [InlineData("decorrelated by another thread")]
    [InlineData("sparse")]
    [InlineData("rows in a file")]
    public void Fit_AfterOneThatWasCancelled_GivesTheBitsOfTheFirst(string name)
    {
        (Examples rows, Action<Options> form) = name switch
        {
            "dense" => (_rows, _ => { }),
            "decorrelated by another thread" => (Some.Linear(1, 400, 150), options => options.Decorrelate = true),
            "sparse" => (Some.MostlyZero(1, 2000, 3, 300, nonZeros: 30), _ => { }),
            _ => (Some.Linear(1, 30_000, 30), (Action<Options>)(options => options.MemoryLimitInBytes = 1_000_000)),
        };
        IDataView view = rows.View(_ml);
        float[] first = Fit(_ => { }).Parameters();
        foreach (int epoch in new[] { 1, 2 })
        {
            using var cancellation = new CancellationTokenSource();
            Assert.ThrowsAny<OperationCanceledException>(() => Fit(options =>
            {
                options.CancellationToken = cancellation.Token;
                options.EpochCompleted = progress =>
                {
                    if (progress.Report.Epoch == epoch)
                        cancellation.Cancel();
                };
            }));
            using var other = new CancellationTokenSource();

            Assert.Equal(first, Fit(options => options.CancellationToken = other.Token).Parameters());
        }

        RmsPropRegressionTransformer Fit(Action<Options> change)
        {
            var options = new Options { NumberOfEpochs = 4 };
            form(options);
            change(options);
            return _ml.Regression.Trainers.RmsProp(options).Fit(view);
        }
    }

    [Fact]
    public async Task Fit_TokenNotCancelled_ChangesNothing()
    {
        float[] with = await Task.Run(() => _rows.Fit(new() { NumberOfEpochs = 3, CancellationToken = _source.Token }).Parameters());

        Assert.Equal(_rows.Fit(new() { NumberOfEpochs = 3 }).Parameters(), with);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fit_CancelledByItsArgument_ThrowsWithThatTokenAndTheTrainerStaysUsable(bool optionsHaveAToken)
    {
        using var other = new CancellationTokenSource();
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp(new Options
        {
            NumberOfEpochs = 2,
            CancellationToken = optionsHaveAToken ? other.Token : default,
        });
        _source.Cancel();

        var exception = Assert.Throws<OperationCanceledException>(() => trainer.Fit(_rows.View(_ml), _source.Token));

        Assert.Equal(_source.Token, exception.CancellationToken);
        Assert.Equal(_rows.Fit(new() { NumberOfEpochs = 2 }).Parameters(), trainer.Fit(_rows.View(_ml)).Parameters());
    }

    [Fact]
    public void Fit_TokenOfTheOptionsCancelledBesideAnArgument_ThrowsWithTheOptionsToken()
    {
        using var argument = new CancellationTokenSource();
        _source.Cancel();

        var exception = Assert.Throws<OperationCanceledException>(() =>
            _ml.Regression.Trainers.RmsProp(new Options { CancellationToken = _source.Token })
            .Fit(_rows.View(_ml), argument.Token));

        Assert.Equal(_source.Token, exception.CancellationToken);
    }

    [Fact]
    public void Fit_ArgumentOfAContinuedTrainingCancelled_Throws()
    {
        RmsPropRegressionTransformer previous = _rows.Fit(new() { NumberOfEpochs = 1 });
        _source.Cancel();

        Assert.Throws<OperationCanceledException>(() => _ml.Regression.Trainers.RmsProp(numberOfEpochs: 1)
            .Fit(_rows.View(_ml), previous, _source.Token));
    }

    [Fact]
    public void Fit_ContextCancelledWhileReadingEndlessRows_Throws()
    {
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp();

        Assert.Throws<OperationCanceledException>(() => trainer.Fit(Examples.View(_ml, Endless(_ml.CancelExecution), 4)));
    }

    [Fact]
    public void Fit_ContextCancelledInAnEpoch_ThrowsBeforeItsEnd()
    {
        int epochs = 0;
        long lastStep = 0;
        var options = new Options
        {
            BatchSize = 1,
            EpochCompleted = _ => epochs++,
            LearningRateSchedule = LearningRateSchedule.Custom("cancels at step 5", (step, _) =>
            {
                lastStep = step;
                if (step == 5)
                    _ml.CancelExecution();
                return 1;
            }),
        };

        Assert.Throws<OperationCanceledException>(() => _ml.Regression.Trainers.RmsProp(options).Fit(Some.Linear(1, 3000, 300).View(_ml)));

        Assert.Equal(0, epochs);
        Assert.InRange(lastStep, 5, 2500);
    }

    private async Task AssertCancelled(Options options, Func<IDataView> view)
    {
        options.CancellationToken = _source.Token;
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp(options);

        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Task.Run(() => trainer.Fit(view())).WaitAsync(_patience));

        Assert.Equal(_source.Token, exception.CancellationToken);
        float[] expected = _rows.Fit(new() { NumberOfEpochs = 2 }).Parameters();
        Assert.Equal(expected, _ml.Regression.Trainers.RmsProp(numberOfEpochs: 2).Fit(_rows.View(_ml)).Parameters());
    }

    /// <summary>The same row for ever; calls an action once a thousand have been read.</summary>
    private static IEnumerable<Example> Endless(Action afterAThousand)
    {
        for (long row = 0; ; row++)
        {
            if (row == 1000)
                afterAThousand();
            yield return new Example { Features = Examples.Sparse([1, 2, 3, 4]), Label = row % 2 };
        }
    }
}
