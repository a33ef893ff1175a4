using Microsoft.ML.Data;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Contract;

/// <summary>
/// Views that throw, change between passes or lie: their exception is thrown unchanged, the model is that of the rows delivered, and every cursor
/// is disposed once.
/// </summary>
public sealed class FaultyViewTests
{
    private const int Columns = 20;

    /// <summary>Many times the number of rows that one thread reads before a second one helps.</summary>
    private static readonly Examples _rows = Some.Linear(1, 6000, Columns, weighted: true);

    private readonly MLContext _ml = new(1);

    private static Options Short => new() { NumberOfEpochs = 2, ExampleWeightColumnName = nameof(Example.Weight), NumberOfThreads = 2 };

    public static TheoryData<string, int> Failures => new()
    {
        { "cursor", 1 },
        { "getter", 1 }, { "getter", 2 }, { "getter", 3 },
        { "move", 1 }, { "move", 2 }, { "move", 500 }, { "move", 5999 }, { "move", 6001 },
        { "read", 1 }, { "read", 2 }, { "read", 3 }, { "read", 3000 }, { "read", 17_999 },
        { "dispose", 1 },
    };

    [Theory, MemberData(nameof(Failures))]
    public void Fit_CursorThrows_ThrowsItUnchangedAndDisposesTheCursorOnce(string step, int call)
    {
        var thrown = new InvalidDataException("in the cursor");
        FaultyView view = Throwing(step, call, thrown);

        Assert.Same(thrown, Assert.Throws<InvalidDataException>(() => Trainer().Fit(view)));

        AssertAllDisposed(view, cursors: step == "cursor" ? 0 : 1);
    }

    [Theory, MemberData(nameof(Failures))]
    public void Fit_CursorOfTheValidationRowsThrows_ThrowsItUnchangedAndDisposesBothCursorsOnce(string step, int call)
    {
        var thrown = new InvalidDataException("in the cursor");
        FaultyView training = View(_ => InOrder());
        FaultyView validation = Throwing(step, call, thrown);

        Assert.Same(thrown, Assert.Throws<InvalidDataException>(() => Trainer().Fit(training, validation)));

        AssertAllDisposed(training, cursors: 1);
        AssertAllDisposed(validation, cursors: step == "cursor" ? 0 : 1);
    }

    [Fact]
    public void Fit_AfterACursorThrew_GivesTheBitsOfAFirstFit()
    {
        RmsPropRegressionTrainer trainer = Trainer();
        Assert.Throws<InvalidDataException>(() => trainer.Fit(Throwing("read", 9000, new InvalidDataException("in the cursor"))));

        Assert.Equal(_rows.Fit(Short).Parameters(), trainer.Fit(View(_ => InOrder())).Parameters());
    }

    [Fact]
    public void Fit_RowOfAnotherLengthInTheMiddle_DisposesTheCursorOnce()
    {
        FaultyView view = View(_ => InOrder()
            .Select((row, number) => number == 4000 ? new Example { Features = new VBuffer<float>(2, [1, 2]) } : row));

        var exception = Assert.Throws<InvalidOperationException>(() => Trainer().Fit(view));

        Assert.StartsWith("Row 4000 (counted from 0) has 2 values in feature column 'Features'", exception.Message, StringComparison.Ordinal);
        AssertAllDisposed(view, cursors: 1);
    }

    [Fact]
    public void Fit_CancelledWhileReading_DisposesTheCursorOnce()
    {
        using var source = new CancellationTokenSource();
        FaultyView view = View(_ => InOrder().Select((row, number) =>
        {
            if (number == 4000)
                source.Cancel();
            return row;
        }));
        Options options = Short;
        options.CancellationToken = source.Token;

        Assert.Throws<OperationCanceledException>(() => Trainer(options).Fit(view));

        AssertAllDisposed(view, cursors: 1);
    }

    [Fact]
    public void Fit_ViewWithOtherRowsInEachPass_TrainsOnThoseOfTheFirst()
    {
        FaultyView view = View(pass => InOrder().Skip(1000 * pass));

        RmsPropRegressionTransformer model = Trainer().Fit(view);

        Assert.Equal(_rows.Fit(Short).Parameters(), model.Parameters());
        AssertAllDisposed(view, cursors: 1);
    }

    [Fact]
    public void Fit_ViewWithAnotherNumberOfRowsInEachPass_CountsThoseItTrainsAndThoseItValidatesOn()
    {
        FaultyView view = View(pass => pass == 0 ? InOrder().Take(4321) : InOrder().Skip(5000));

        RmsPropRegressionTransformer model = Trainer().Fit(view, view);

        Assert.Equal((4321, 1000), (model.Training.RowsUsed, model.Training.ValidationRows));
        Examples first = _rows.Take(Enumerable.Range(0, 4321));
        RmsPropRegressionTransformer expected = Trainer().Fit(first.View(_ml), _rows.Take(Enumerable.Range(5000, 1000)).View(_ml));
        Assert.Equal(expected.Parameters(), model.Parameters());
        Assert.Equal(expected.Training.Epochs.Select(epoch => epoch.ValidationLoss), model.Training.Epochs.Select(epoch => epoch.ValidationLoss));
        AssertAllDisposed(view, cursors: 2);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0L)]
    [InlineData(1L)]
    [InlineData(-5L)]
    [InlineData(6001L)]
    [InlineData(long.MaxValue)]
    public void Fit_GetRowCountLies_TrainsOnTheRowsThatAreDelivered(long? lie)
    {
        var view = new FaultyView(_ml, Columns, _ => InOrder()) { RowCount = () => lie };

        RmsPropRegressionTransformer model = Trainer().Fit(view);

        Assert.Equal(_rows.Count, model.Training.RowsUsed);
        Assert.Equal(_rows.Fit(Short).Parameters(), model.Parameters());
    }

    [Fact]
    public void Fit_GetRowCountPromisesRowsOfWhichThereAreNone_SaysThatThereAreNone()
    {
        var view = new FaultyView(_ml, Columns, _ => []) { RowCount = () => 6000 };

        Assert.Contains("has no rows", Assert.Throws<InvalidOperationException>(() => Trainer().Fit(view)).Message, StringComparison.Ordinal);
        AssertAllDisposed(view, cursors: 1);
    }

    [Fact]
    public void Fit_CursorThatOverwritesTheArraysOfTheRowBefore_TrainsOnTheValuesAtTheTimeOfReading()
    {
        var values = new float[Columns];
        FaultyView view = View(_ => Overwriting());

        Assert.Equal(_rows.Fit(Short).Parameters(), Trainer().Fit(view).Parameters());

        IEnumerable<Example> Overwriting()
        {
            foreach (Example row in InOrder())
            {
                row.Features.CopyTo(values);
                yield return new Example { Features = new VBuffer<float>(Columns, values), Label = row.Label, Weight = row.Weight };
                Array.Fill(values, float.NaN);
            }
        }
    }

    [Theory]
    [InlineData("move", 3000)]
    [InlineData("read", 3000)]
    public void Transform_CursorThrows_ThrowsItAndDisposesTheCursorOnce(string step, int call)
    {
        var thrown = new InvalidDataException("in the cursor");
        RmsPropRegressionTransformer model = Some.Linear(1, 50, Columns).Fit(new() { NumberOfEpochs = 1 });
        FaultyView view = Throwing(step, call, thrown);

        Assert.Same(thrown, Assert.ThrowsAny<Exception>(() => model.Scores(view)).GetBaseException());        // ML.NET wraps it

        AssertAllDisposed(view, cursors: 1);
    }

    private RmsPropRegressionTrainer Trainer(Options? options = null) => _ml.Regression.Trainers.RmsProp(options ?? Short);

    private FaultyView View(Func<int, IEnumerable<Example>> rows) => new(_ml, Columns, rows);

    private FaultyView Throwing(string step, int call, Exception exception)
    {
        int calls = 0;
        return new FaultyView(_ml, Columns, _ => InOrder())
        {
            Before = name =>
            {
                if (name == step && ++calls == call)
                    throw exception;
            },
        };
    }

    private static IEnumerable<Example> InOrder()
    {
        for (int row = 0; row < _rows.Count; row++)
            yield return new Example
            {
                Features = new VBuffer<float>(Columns, _rows.Features[row]),
                Label = _rows.Labels[row],
                Weight = _rows.Weight(row)
            };
    }

    private static void AssertAllDisposed(FaultyView view, int cursors)
    {
        Assert.Equal(cursors, view.Cursors);
        Assert.Equal(cursors, view.Disposals);
    }
}
