using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Contract;

/// <summary>Sixteen threads share one trainer, context and transformer; each gets the same bits as alone.</summary>
public sealed class ConcurrentUseTests
{
    private const int Threads = 16;

    private readonly MLContext _ml = new(1);

    [Theory]
    [InlineData(null)]
    [InlineData(3)]
    public void Fit_SixteenThreadsWithTheSameTrainer_EachGetsTheBitsOfItsRowsAlone(int? threadsEach)
    {
        // Long batches, so that each training uses its own threads if allowed.
        Examples[] sets = [.. Enumerable.Range(0, Threads).Select(thread => thread % 2 == 0
            ? Some.Linear(thread, 900, 100 + thread, weighted: true)
            : Some.MostlyZero(thread, 900, 5, 90 + thread, 4))];
        var options = new Options
        {
            BatchSize = 300,
            NumberOfEpochs = 10,
            NumberOfThreads = threadsEach,
            ValidationFraction = 0.2f,
            EarlyStopping = new EarlyStopping { Patience = 3 },
            ExampleWeightColumnName = nameof(Example.Weight),
        };
        RmsPropRegressionTrainer shared = _ml.Regression.Trainers.RmsProp(options);
        float[][] expected = [.. Enumerable.Range(0, Threads).Select(thread =>
            new MLContext(1).Regression.Trainers.RmsProp(options).Fit(View(thread)).Parameters())];

        Assert.Equal(expected, AtOnce(thread => shared.Fit(View(thread)).Parameters()));

        IDataView View(int thread) => sets[thread].View(_ml, row => thread % 2 == 1 && row % 3 == 0);
    }

    [Fact]
    public void Fit_SixteenThreadsWithTheSameTrainerAndView_AllGetTheSameBits()
    {
        Examples rows = Some.Linear(1, 2000, 20, weighted: true);
        IDataView view = _ml.Data.Cache(rows.View(_ml));
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp(new Options { NumberOfEpochs = 5 });
        float[] expected = rows.Fit(new() { NumberOfEpochs = 5 }).Parameters();

        Assert.All(AtOnce(_ => trainer.Fit(view).Parameters()), actual => Assert.Equal(expected, actual));
    }

    [Fact]
    public void Fit_SixteenThreadsContinueTheSameTraining_AllGetTheSameBits()
    {
        Examples rows = Some.Linear(1, 1000, 20);
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp(new Options { NumberOfEpochs = 4 });
        RmsPropRegressionTransformer first = trainer.Fit(rows.View(_ml));
        float[] before = first.Parameters();
        float[] expected = trainer.Fit(rows.View(_ml), first).Parameters();

        Assert.All(AtOnce(_ => trainer.Fit(rows.View(_ml), first).Parameters()), actual => Assert.Equal(expected, actual));
        Assert.Equal(before, first.Parameters());
        Assert.NotEqual(before, expected);
    }

    [Fact]
    public void Transform_SixteenThreadsWithTheSameTransformer_EachGetsTheBitsOfItsRowsAlone()
    {
        RmsPropRegressionTransformer model = Some.MostlyZero(1, 500, 5, 90, 4).Fit(new() { NumberOfEpochs = 10 });
        Examples[] sets = [.. Enumerable.Range(0, Threads).Select(thread => Some.MostlyZero(100 + thread, 500, 5, 90, 4))];
        IDataView[] views = [.. sets.Select((rows, thread) => rows.View(_ml, row => row % (1 + thread) == 0))];
        float[][] expected = [.. views.Select(view => model.Scores(view))];
        string coefficients = model.GetCoefficients().ToString();

        (float[] Scores, string Coefficients, byte[] Saved)[] actual = AtOnce(thread =>
            (model.Scores(views[thread]), model.GetCoefficients().ToString(), Saved(views[thread].Schema)));

        Assert.Equal(expected, actual.Select(result => result.Scores));
        Assert.All(actual, result => Assert.Equal(coefficients, result.Coefficients));
        Assert.All(actual, result => Assert.Equal(expected[0], new MLContext().Model.Load(new MemoryStream(result.Saved), out _).Scores(views[0])));

        byte[] Saved(DataViewSchema schema)
        {
            using var stream = new MemoryStream();
            _ml.Model.Save(model, schema, stream);
            return stream.ToArray();
        }
    }

    /// <summary>Calls a function on sixteen threads that start together.</summary>
    private static T[] AtOnce<T>(Func<int, T> function)
    {
        var results = new T[Threads];
        var failures = new Exception?[Threads];
        using var start = new Barrier(Threads);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(number => new Thread(() =>
        {
            try
            {
                start.SignalAndWait();
                results[number] = function(number);
            }
            catch (Exception exception)
            {
                failures[number] = exception;
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.All(failures, Assert.Null);
        return results;
    }
}
