using MlNetRms.Tests.Support;
using MlNetRms.Tests.Training;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Checkpoints;

/// <summary>Trains with a checkpoint and breaks off.</summary>
internal static class Interrupted
{
    public static RmsPropRegressionTrainer Trainer(Options options, Func<string, Stream>? create = null) => new(new MLContext(1), options, create);

    public static RmsPropRegressionTransformer Fit(Examples rows, Options options, Func<string, Stream>? create = null) =>
        Trainer(options, create).Fit(rows.View(new MLContext(1)));

    public static Stream Create(string path) => new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None);

    /// <summary>
    /// Trains again and again, each time until the third file has been begun (the first only tests whether it can be), as a killed process would.
    /// </summary>
    /// <param name="rows">The rows.</param>
    /// <param name="options">With a checkpoint.</param>
    /// <param name="breaks">How often it broke off.</param>
    public static RmsPropRegressionTransformer FitWithBreaks(Examples rows, Options options, out int breaks)
    {
        for (breaks = 0; ; breaks++)
        {
            int files = 0;
            try
            {
                return Fit(rows, options, path => ++files == 3 ? throw new BreakException() : Create(path));
            }
            catch (BreakException)
            {
                Assert.True(File.Exists(options.Checkpoint!.Path));
            }
        }
    }

    /// <summary>In everything except times: the bits of the model, the report, and what a later training needs.</summary>
    public static void AssertSame(RmsPropRegressionTransformer expected, RmsPropRegressionTransformer actual)
    {
        Assert.Equal(expected.Parameters().Select(BitConverter.SingleToInt32Bits), actual.Parameters().Select(BitConverter.SingleToInt32Bits));
        Assert.Equal(expected.Training.Epochs.Select(SavedTrainingTests.Plain), actual.Training.Epochs.Select(SavedTrainingTests.Plain));
        Assert.Equal(Plain(expected.Training), Plain(actual.Training));
        Assert.Equal(Distance(expected.Training), Distance(actual.Training));
        Assert.Equal(expected.GetCoefficients().ToString(), actual.GetCoefficients().ToString());
        SavedTrainingTests.AssertSame(expected.State, actual.State);
    }

    /// <summary>How far a model is from the optimum, to the bit.</summary>
    internal static (double? Share, bool? IsExact, double GradientNorm, double Tolerance, int Rounds) Distance(TrainingReport report) => (
        report.OptimalityGap?.Share, report.OptimalityGap?.IsExact, report.Diagnostics.GradientNorm, report.Diagnostics.Tolerance,
        report.Diagnostics.NumberOfRounds);

    /// <summary>The values of a report without times.</summary>
    private static TrainingReport Plain(TrainingReport report) =>
        report with { Epochs = [], ReadingTime = default, TrainingTime = default, OptimalityGap = null, Diagnostics = null! };

    internal sealed class BreakException : Exception;
}
