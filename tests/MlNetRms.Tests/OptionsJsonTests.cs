using System.Text.Json;
using Options = MlNetRms.RmsPropRegressionTrainer.Options;

namespace MlNetRms.Tests;

/// <summary>ML.NET's hyperparameter search turns options into JSON and back.</summary>
public sealed class OptionsJsonTests
{
    [Fact]
    public void Json_ThereAndBack_KeepsPlainValues()
    {
        var options = new Options { LearningRate = 0.1f, BatchSize = 32, NumberOfEpochs = 7, ExampleWeightColumnName = "Weight", Centered = true, L2Regularization = 0, Decorrelate = false };

        Options back = JsonSerializer.Deserialize<Options>(JsonSerializer.Serialize(options))!;

        Assert.Equal(
            (0.1f, 32, 7, "Weight", true), (back.LearningRate, back.BatchSize, back.NumberOfEpochs, back.ExampleWeightColumnName, back.Centered));
        Assert.Equal((0f, false), (back.L2Regularization, back.Decorrelate));
        Options plain = JsonSerializer.Deserialize<Options>(JsonSerializer.Serialize(new Options()))!;
        Assert.Equal((null, null, null), (plain.L2Regularization, plain.Decorrelate, plain.NumberOfEpochs));
    }

    [Fact]
    public void Json_WhatIsNoPlainValue_IsLeftOut()
    {
        using var cancellation = new CancellationTokenSource();
        var options = new Options
        {
            LearningRateSchedule = LearningRateSchedule.Constant,
            LossFunction = new AbsoluteLoss(),
            EpochCompleted = _ => { },
            CancellationToken = cancellation.Token,
        };

        Options back = JsonSerializer.Deserialize<Options>(JsonSerializer.Serialize(options))!;

        Assert.Equal(new Options().LearningRateSchedule.Name, back.LearningRateSchedule.Name);
        Assert.Null(back.LossFunction);
        Assert.Null(back.EpochCompleted);
        Assert.False(back.CancellationToken.CanBeCanceled);
    }
}
