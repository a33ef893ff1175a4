using System.Text.Json;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Checkpoints;

public sealed class CheckpointOptionsTests
{
    [Fact]
    public void Constructor_PathAlone_HasTheDefaultsOfTheDocumentation()
    {
        var options = new CheckpointOptions { Path = "some.checkpoint" };

        Assert.Equal((null, TimeSpan.FromMinutes(1), false), (options.EveryEpochs, options.Interval, options.Keep));
        Assert.NotNull(Trainer(options));
        Assert.Null(new Options().Checkpoint);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    public void RmsProp_NoPath_ThrowsWithItsName(string? path) =>
        Assert.Equal("Checkpoint.Path must name a file. (Parameter 'options')",
            Assert.Throws<ArgumentException>(() => Trainer(new() { Path = path! })).Message);

    [Fact]
    public void RmsProp_PathOfAFolder_ThrowsWithThePath()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("inner"));
        foreach (string path in new[] { folder.File("inner"), folder.File("new/") })
            Assert.Contains($"Checkpoint.Path '{path}' is a folder", Assert.Throws<ArgumentException>(() => Trainer(new() { Path = path })).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void RmsProp_PathInNoFolder_ThrowsWithThePath()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("none/some.checkpoint");

        Assert.Contains($"Checkpoint.Path '{path}' is in no folder that exists",
            Assert.Throws<ArgumentException>(() => Trainer(new() { Path = path })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void RmsProp_EveryEpochsBelowOne_ThrowsWithItsName(int epochs) =>
        AssertOutOfRange("Checkpoint.EveryEpochs must be at least 1.", (long)epochs, new() { Path = "a", EveryEpochs = epochs });

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void RmsProp_IntervalNotAboveZero_ThrowsWithItsName(long ticks) =>
        AssertOutOfRange("Checkpoint.Interval must be greater than 0.", new TimeSpan(ticks), new() { Path = "a", Interval = new TimeSpan(ticks) });

    [Fact]
    public void Json_ThereAndBack_KeepsAll()
    {
        var options = new Options
        {
            Checkpoint = new() { Path = "some.checkpoint", EveryEpochs = 3, Interval = TimeSpan.FromSeconds(90), Keep = true },
        };

        Assert.Equal(options.Checkpoint, JsonSerializer.Deserialize<Options>(JsonSerializer.Serialize(options))!.Checkpoint);
        Assert.Null(JsonSerializer.Deserialize<Options>(JsonSerializer.Serialize(new Options()))!.Checkpoint);
    }

    private static void AssertOutOfRange(string words, object value, CheckpointOptions checkpoint)
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => Trainer(checkpoint));
        Assert.StartsWith(words, exception.Message, StringComparison.Ordinal);
        Assert.Equal(("options", value), (exception.ParamName, exception.ActualValue));
    }

    private static RmsPropRegressionTrainer Trainer(CheckpointOptions checkpoint) =>
        new MLContext(1).Regression.Trainers.RmsProp(new Options { Checkpoint = checkpoint });
}
