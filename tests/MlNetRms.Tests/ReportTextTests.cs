using System.Globalization;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests;

/// <summary>The texts of objects that a user prints.</summary>
public sealed class ReportTextTests
{
    [Theory]
    [InlineData("AbsoluteLoss")]
    [InlineData("HuberLoss(delta: 1.5)")]
    [InlineData("QuantileLoss(quantile: 0.9)")]
    [InlineData("EpsilonInsensitiveLoss(epsilon: 0.25)")]
    [InlineData("LogCoshLoss(scale: 2)")]
    public void ToString_OfALoss_IsItsTypeAndConstant(string text) => Assert.Contains(text, new object[]
    {
        new AbsoluteLoss(), new HuberLoss(1.5f), new QuantileLoss(0.9f), new EpsilonInsensitiveLoss(0.25f), new LogCoshLoss(2),
    }.Select(loss => loss.ToString()));

    [Fact]
    public void ToString_OfAReport_SaysRowsEpochsAndLoss()
    {
        Examples rows = Some.Linear(1, 100, 3);
        rows.Features[3][0] = float.NaN;
        TrainingReport report = rows.Fit(new() { NumberOfEpochs = 4 }).Training;

        Assert.StartsWith(FormattableString.Invariant(
            $"Trained on 99 rows (1 skipped) for 4 of 4 epochs, 4 steps: loss {report.TrainingLoss:g6}, R² {report.RSquared:g4}, ") +
            FormattableString.Invariant($"{100 * report.OptimalityGap!.Share:g2} % above the least RMSE; "),
            report.ToString(), StringComparison.Ordinal);
        Assert.EndsWith(FormattableString.Invariant(
            $"{report.ReadingTime.TotalMilliseconds:f0} ms reading, {report.TrainingTime.TotalMilliseconds:f0} ms training"),
            report.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_OfAReportOfAStoppedTraining_SaysSo()
    {
        TrainingReport report = Some.Linear(1, 100, 3).Fit(new() { NumberOfEpochs = 4, EpochCompleted = progress => progress.Stop() }).Training;

        Assert.StartsWith("Trained on 100 rows for 1 of 4 epochs (StoppedByCallback, returned epoch 1), 1 steps: ", report.ToString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_OfAnEpoch_IsALineInAnyCulture()
    {
        var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        comma.NumberFormat.NumberDecimalSeparator = ",";
        CultureInfo before = CultureInfo.CurrentCulture;
        string? callback = null;
        EpochReport epoch = Some.Linear(1, 100, 3)
            .Fit(new() { NumberOfEpochs = 1, ValidationFraction = 0.3f, EpochCompleted = progress => callback = progress.ToString() })
            .Training.Epochs[0] with
        { Loss = 0.25, ValidationLoss = 0.5, LearningRate = 0.01f, RowsPerSecond = 1234567, Elapsed = TimeSpan.FromSeconds(1.5) };
        try
        {
            CultureInfo.CurrentCulture = comma;
            Assert.Equal("Epoch 1 of 1, step 1: loss 0.25, validation loss 0.5, learning rate 0.01, 1.23e+06 rows/s, 1.5 s", epoch.ToString());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
        Assert.StartsWith("Epoch 1 of 1, step 1: loss ", callback, StringComparison.Ordinal);
    }
}
