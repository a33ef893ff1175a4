using MlNetRms.Tests.Support;
using Options = MlNetRms.RmsPropRegressionTrainer.Options;

namespace MlNetRms.Tests.Training;

/// <summary>One thread moves the cursor, and another one may process what it has read.</summary>
public sealed class ReadingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Fit_EndlessRowsThatCannotBeStored_ThrowsInTheCallerAndEndsReading(int threads)
    {
        var ml = new MLContext(1);
        var folder = new TemporaryFolder();
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(
            new Options { MemoryLimitInBytes = 1_000_000, TemporaryDirectory = folder.File(""), NumberOfThreads = threads });
        folder.Dispose();        // so that the first write fails
        var readers = new HashSet<int>();

        Assert.ThrowsAny<IOException>(() => trainer.Fit(Examples.View(ml, Endless(), 20)));

        Assert.Equal([Environment.CurrentManagedThreadId], readers);

        IEnumerable<Example> Endless()
        {
            while (true)
            {
                readers.Add(Environment.CurrentManagedThreadId);
                yield return new Example { Features = new(20, [.. Enumerable.Range(readers.Count, 20).Select(i => (float)i)]), Label = 1 };
            }
        }
    }
}
