using MlNetRms.Solver;

namespace MlNetRms.Tests.Solver;

public sealed class EpochHistoryTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(EpochHistory.MostReports)]
    public void Add_FewEpochs_KeepsEveryReport(int epochs)
    {
        EpochHistory history = New(epochs);

        Assert.Equal(Enumerable.Range(1, epochs), Add(history, 1, epochs).Reports.Select(report => report.Epoch));
    }

    [Theory]
    [InlineData(EpochHistory.MostReports + 1)]
    [InlineData(2 * EpochHistory.MostReports)]
    [InlineData(2 * EpochHistory.MostReports + 3)]
    [InlineData(100_000)]
    [InlineData(123_457)]
    [InlineData(1_000_000)]
    public void Add_VeryManyEpochs_KeepsTheFirstTheLastAndSomeBetweenAtEvenSpacing(int epochs)
    {
        EpochHistory history = Add(New(epochs), 1, epochs);

        AssertEven(history, epochs);
    }

    [Fact]
    public void Add_AtAnyTime_HoldsAtMostThatManyReportsAndTheOneJustAdded()
    {
        EpochHistory history = New(50_000);
        for (int epoch = 1; epoch <= 50_000; epoch++)
        {
            EpochReport report = history.Add(Result(epoch));

            Assert.Same(report, history.Reports[^1]);
            Assert.Equal(1, history.Reports[0].Epoch);
            Assert.InRange(history.Reports.Count, 1, EpochHistory.MostReports);
        }
    }

    [Fact]
    public void Add_Result_IsReportedInLabelUnits()
    {
        var history = new EpochHistory(numberOfEpochs: 7, rowCount: 100, lossFactor: 4);

        EpochReport report = history.Add(new EpochResult(3, 30, 0.5, 0.25, 0.125f));

        Assert.Equal((3, 7, 30L, 2.0, 1.0, 0.125f),
            (report.Epoch, report.NumberOfEpochs, report.Step, report.Loss, report.ValidationLoss!.Value, report.LearningRate));
        Assert.True(report.RowsPerSecond > 0 && report.Elapsed >= TimeSpan.Zero);
        Assert.Null(history.Add(new EpochResult(4, 40, 0.5, null, 0.125f)).ValidationLoss);
    }

    [Theory]
    [InlineData(3, 5)]
    [InlineData(9_999, 10_001)]
    [InlineData(10_000, 20_000)]
    [InlineData(15_001, 40_000)]        // some have been dropped before the break
    [InlineData(41_003, 60_000)]
    [InlineData(79_999, 100_000)]
    public void Restore_AfterABreak_KeepsTheReportsOfATrainingWithoutOne(int broken, int epochs)
    {
        EpochHistory whole = Add(New(epochs), 1, epochs);
        IReadOnlyList<EpochReport> before = [.. Add(New(epochs), 1, broken).Reports];
        EpochHistory resumed = New(epochs);

        resumed.Restore(before, before[^1].Elapsed);
        Add(resumed, broken + 1, epochs);

        Assert.Equal(whole.Reports.Select(report => report.Epoch), resumed.Reports.Select(report => report.Epoch));
    }

    private static void AssertEven(EpochHistory history, int epochs)
    {
        int[] kept = [.. history.Reports.Select(report => report.Epoch)];
        Assert.InRange(kept.Length, EpochHistory.MostReports / 2, EpochHistory.MostReports);
        Assert.Equal((1, epochs), (kept[0], kept[^1]));
        int spacing = kept[2] - kept[1];
        Assert.Equal(Enumerable.Range(1, (epochs - 1) / spacing).Select(multiple => multiple * spacing), kept[1..^1]);
    }

    private static EpochHistory New(int epochs) => new(epochs, rowCount: 1, lossFactor: 1);

    private static EpochHistory Add(EpochHistory history, int first, int last)
    {
        for (int epoch = first; epoch <= last; epoch++)
            history.Add(Result(epoch));
        return history;
    }

    private static EpochResult Result(int epoch) => new(epoch, epoch, Loss: 1, ValidationLoss: null, LearningRate: 1);
}
