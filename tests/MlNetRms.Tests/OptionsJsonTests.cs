using System.Text.Json;
using Microsoft.ML.Trainers;
using MlNetRms.Tests.Support;
using Options = MlNetRms.RmsPropRegressionTrainer.Options;

namespace MlNetRms.Tests;

/// <summary>ML.NET's hyperparameter search turns options into JSON and back.</summary>
public sealed class OptionsJsonTests
{
    [Fact]
    public void Json_ThereAndBack_KeepsPlainValues()
    {
        var options = new Options
        {
            LearningRate = 0.1f,
            BatchSize = 32,
            NumberOfEpochs = 7,
            ExampleWeightColumnName = "Weight",
            Centered = true,
            L2Regularization = 0,
            Decorrelate = false
        };

        Options back = JsonSerializer.Deserialize<Options>(JsonSerializer.Serialize(options))!;

        Assert.Equal(
            (0.1f, 32, 7, "Weight", true), (back.LearningRate, back.BatchSize, back.NumberOfEpochs, back.ExampleWeightColumnName, back.Centered));
        Assert.Equal((0f, false), (back.L2Regularization, back.Decorrelate));
        Options plain = JsonSerializer.Deserialize<Options>(JsonSerializer.Serialize(new Options()))!;
        Assert.Equal((null, null, null), (plain.L2Regularization, plain.Decorrelate, plain.NumberOfEpochs));
    }

    public static TheoryData<string> Schedules => [.. _schedules.Keys];

    private static readonly Dictionary<string, LearningRateSchedule> _schedules = new LearningRateSchedule[]
    {
        LearningRateSchedule.Constant, LearningRateSchedule.CosineToZero, LearningRateSchedule.LinearToZero,
        LearningRateSchedule.CosineThenConstant(0.1, 0.7),
        LearningRateSchedule.InverseSquareRoot(70), LearningRateSchedule.StepDecay(0.3, 12),
    }.ToDictionary(schedule => schedule.Name);

    [Theory, MemberData(nameof(Schedules))]
    public void Json_ScheduleOfOurs_IsKept(string name)
    {
        LearningRateSchedule schedule = _schedules[name];

        LearningRateSchedule back = ThereAndBack(new() { LearningRateSchedule = schedule }).LearningRateSchedule;

        Assert.Equal(name, back.Name);
        Assert.Equal(Enumerable.Range(0, 100).Select(step => schedule.Factor(step, 100)),
            Enumerable.Range(0, 100).Select(step => back.Factor(step, 100)));
    }

    /// <summary>The default schedule is more than its factors: it adapts to an automatic number of epochs.</summary>
    [Fact]
    public void Json_DefaultSchedule_IsTheDefault() =>
        Assert.Same(new Options().LearningRateSchedule, ThereAndBack(new()).LearningRateSchedule);

    public static TheoryData<string> Losses => [.. _losses.Keys];

    private static readonly Dictionary<string, IRegressionLoss> _losses = new IRegressionLoss[]
    {
        new AbsoluteLoss(), new HuberLoss(0.1f), new QuantileLoss(0.9f), new EpsilonInsensitiveLoss(0.3f), new LogCoshLoss(0.7f), new SquaredLoss(),
    }.ToDictionary(loss => loss.GetType().Name);

    [Theory, MemberData(nameof(Losses))]
    public void Json_KnownLoss_IsKept(string name)
    {
        IRegressionLoss loss = _losses[name];

        IRegressionLoss back = ThereAndBack(new() { LossFunction = loss }).LossFunction!;

        Assert.Equal(loss.GetType(), back.GetType());
        Assert.Equal(loss.ToString(), back.ToString());
        foreach (float residual in new[] { -3f, -0.2f, 0, 0.05f, 2 })
            Assert.Equal((loss.Loss(residual, 0), loss.Derivative(residual, 0)), (back.Loss(residual, 0), back.Derivative(residual, 0)));
    }

    [Fact]
    public void Json_LossOrScheduleOfTheUsers_IsRefusedWithTheWayOut()
    {
        var loss = new Options { LossFunction = new LossOf((_, _) => 0, (_, _) => 0) };
        var schedule = new Options { LearningRateSchedule = LearningRateSchedule.Custom("mine", (_, _) => 1) };

        Assert.All([loss, schedule], options => Assert.Contains("after the options have been read",
            Assert.Throws<NotSupportedException>(() => JsonSerializer.Serialize(options)).Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"LossFunction":{"NoLoss":[]}}""")]
    [InlineData("""{"LossFunction":{"HuberLoss":[]}}""")]
    [InlineData("""{"LossFunction":{}}""")]
    [InlineData("""{"LearningRateSchedule":{"StepDecay":[0.5]}}""")]
    public void Json_UnknownNameOrOtherConstants_ThrowsAJsonException(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Options>(json));

    private static Options ThereAndBack(Options options) => JsonSerializer.Deserialize<Options>(JsonSerializer.Serialize(options))!;

    [Fact]
    public void Json_RowsCallbacksAndTokens_AreLeftOut()
    {
        using var cancellation = new CancellationTokenSource();
        var options = new Options
        {
            EpochCompleted = _ => { },
            Progress = new ProgressCollector(),
            ValidationSet = Some.Linear(1, 5, 2).View(new MLContext(1)),
            CancellationToken = cancellation.Token,
        };

        Options back = JsonSerializer.Deserialize<Options>(JsonSerializer.Serialize(options))!;

        Assert.All(new object?[] { back.EpochCompleted, back.Progress, back.ValidationSet }, Assert.Null);
        Assert.False(back.CancellationToken.CanBeCanceled);
    }
}
