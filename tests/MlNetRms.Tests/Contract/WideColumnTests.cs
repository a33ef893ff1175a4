using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Contract;

/// <summary>More features than fit into memory are refused with a message, before a row is read or an array is allocated.</summary>
public sealed class WideColumnTests
{
    /// <summary>The least memory per feature in the message.</summary>
    private const long BytesPerFeature = 16;

    private readonly MLContext _ml = new(1);

    public static TheoryData<int> Widths
    {
        get
        {
            long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            var widths = new TheoryData<int>(int.MaxValue, int.MaxValue - 1, (int)Math.Min(int.MaxValue, available / BytesPerFeature + 1));
            if (2_000_000_000 * BytesPerFeature > available)
                widths.Add(2_000_000_000);
            return widths;
        }
    }

    [Theory, MemberData(nameof(Widths))]
    public void Fit_MoreFeaturesThanMemory_ThrowsWithTheColumnAndItsWidthBeforeReading(int width)
    {
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp();

        foreach (IEnumerable<Example> rows in new[] { [], Unreadable() })
        {
            var exception = Assert.Throws<InvalidOperationException>(() => trainer.Fit(Examples.View(_ml, rows, width)));

            Assert.Contains("'Features'", exception.Message, StringComparison.Ordinal);
            Assert.Contains(FormattableString.Invariant($" {width} features"), exception.Message, StringComparison.Ordinal);
        }
    }

    private static IEnumerable<Example> Unreadable()
    {
        yield return new Example();
        throw new InvalidDataException("read");
    }
}
