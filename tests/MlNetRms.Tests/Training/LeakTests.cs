using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetRms.Kernels;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>A failing training leaves no memory and no thread behind.</summary>
[Collection(nameof(Alone))]
[Trait("Vectors", "Irrelevant")]
public sealed class LeakTests
{
    private const int FailingFits = 100;

    /// <summary>Ten megabytes of features.</summary>
    private static readonly Examples _rows = new(
        [.. Enumerable.Range(0, 25_000).Select(row => Enumerable.Range(0, 100).Select(i => row == 7 ? float.NaN : 1f / (1 + row + i)).ToArray())],
        [.. Enumerable.Range(0, 25_000).Select(row => (float)row)]);

    [Theory]
    [InlineData("fraction")]
    [InlineData("set")]
    [InlineData("argument")]
    public void Fit_LogHandlerThrowsOnTheWarningOfSkippedRows_FreesTheRowsReadSoFar(string validation)
    {
        var ml = new MLContext(1);
        var thrown = new InvalidDataException("in the log handler");
        ml.Log += (_, entry) =>
        {
            // By then the training rows have been read, and in the other cases the validation rows too.
            if (entry.Kind == ChannelMessageKind.Warning
                && (validation == "fraction" || entry.Message.Contains("validation", StringComparison.Ordinal)))
                throw thrown;
        };
        IDataView view = _rows.View(ml);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(new Options
        {
            ValidationFraction = validation == "fraction" ? 0.5f : 0,
            ValidationSet = validation == "set" ? view : null,
            NumberOfEpochs = 1,
        });

        AssertNoMemoryIsLeft(() => Assert.Same(thrown, Assert.ThrowsAny<InvalidDataException>(
            () => validation == "argument" ? trainer.Fit(view, view) : trainer.Fit(view))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]        // the cursor of the validation rows
    public void Fit_CursorThrowsWhenItIsDisposedOf_FreesTheRowsReadSoFar(int cursor)
    {
        var ml = new MLContext(1);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(new Options { NumberOfEpochs = 1 });

        AssertNoMemoryIsLeft(() =>
        {
            int disposals = 0;
            var view = new FaultyView(ml, _rows.Width, _ => Enumerable.Range(0, _rows.Count)
                .Select(row => new Example { Features = new VBuffer<float>(_rows.Width, _rows.Features[row]), Label = _rows.Labels[row] }))
            {
                Before = step =>
                {
                    if (step == "dispose" && ++disposals == cursor)
                        throw new InvalidDataException("in Dispose");
                },
            };
            Assert.Throws<InvalidDataException>(() => trainer.Fit(view, view));
        });
    }

    [Fact]
    public void Fit_CallbackThrows_FreesTheRows()
    {
        var ml = new MLContext(1);
        IDataView view = _rows.View(ml);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(new Options
        {
            NumberOfEpochs = 1,
            EpochCompleted = _ => throw new InvalidDataException("in the callback"),
        });

        AssertNoMemoryIsLeft(() => Assert.Throws<InvalidDataException>(() => trainer.Fit(view)));
    }

    [Fact]
    public void Fit_RowOfAnotherLengthAtTheEnd_FreesTheRowsReadSoFar()
    {
        var ml = new MLContext(1);
        IDataView view = Examples.View(ml, Enumerable.Range(0, 10_000).Select(row => new Example
        {
            Features = new VBuffer<float>(row < 9_999 ? 100 : 99, _rows.Features[100 + row]),
            Label = row,
        }), 100);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp();

        AssertNoMemoryIsLeft(() => Assert.Throws<InvalidOperationException>(() => trainer.Fit(view)));
    }

    [Fact]
    public void Fit_LossThrowsOnSeveralThreads_LeavesNoThread()
    {
        Examples rows = Some.Linear(1, 1200, 60);
        var options = new Options
        {
            BatchSize = 1200,
            NumberOfThreads = 5,
            NumberOfEpochs = 2,
            LossFunction = new LossOf((_, _) => throw new InvalidDataException("in the loss"), (_, _) => 1),
        };
        Assert.Equal(5, rows.Fit(new() { BatchSize = 1200, NumberOfThreads = 5, NumberOfEpochs = 1 }).Training.NumberOfThreads);
        int before = Threads();

        for (int fit = 0; fit < FailingFits; fit++)
            Assert.Throws<InvalidDataException>(() => rows.Fit(options));

        AssertNoThreadIsLeft(before);
    }

    [Fact]
    public void Dispose_TeamsThatRanAndTeamsThatDidNot_LeavesNoThread()
    {
        int before = Threads();

        for (int round = 0; round < FailingFits; round++)
        {
            using var team = new WorkerTeam(5, 8, _ => { });
            if (round % 2 == 0)
                team.Run();
        }

        AssertNoThreadIsLeft(before);
    }

    private static void AssertNoMemoryIsLeft(Action fail)
    {
        const long LeastLeak = 100 << 20;        // a thousand megabytes are read
        for (int fit = 0; fit < 3; fit++)
            fail();
        long before = PrivateBytes();

        for (int fit = 0; fit < FailingFits; fit++)
            fail();

        Assert.InRange(PrivateBytes() - before, long.MinValue, LeastLeak);
    }

    private static void AssertNoThreadIsLeft(int before)
    {
        // The runtime may start a few threads itself.
        Assert.InRange(Threads(), 1, before + 20);
    }

    private static long PrivateBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.PrivateMemorySize64;
    }

    private static int Threads()
    {
        using var process = Process.GetCurrentProcess();
        return process.Threads.Count;
    }
}
