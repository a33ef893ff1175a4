using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;
using MlNetRms.Tests.Training;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Saving;

/// <summary>One description of a record reads what it writes, and refuses parts that do not fit together.</summary>
public sealed class ArchiveTests
{
    public static TheoryData<string> Forms => [.. TrainingForms.All.Keys];

    [Theory, MemberData(nameof(Forms))]
    public void Exchange_StateOfAnyTraining_ReadsWhatItWrote(string form)
    {
        SavedContent content = new([new("rows", "300"), new("θ", "")], State(form));
        byte[] bytes = Written(archive => SavedContent.Exchange(archive, content));

        SavedContent read = Read(bytes, archive => SavedContent.Exchange(archive, content: null));

        Assert.Equal(content.Conditions, read.Conditions);
        SavedTrainingTests.AssertSame(content.State, read.State);
        Assert.Equal(bytes, Written(archive => SavedContent.Exchange(archive, read)));
    }

    [Fact]
    public void Exchange_StartOfAnyTraining_ReadsWhatItWrote()
    {
        TrainingState previous = State("dense");
        TrainingStart[] starts = [default, new((Weights: [1, -2.5f], Bias: 3), null), new(Model: null, previous)];

        foreach (TrainingStart start in starts)
        {
            byte[] bytes = Written(archive => TrainingStart.Exchange(archive, start));

            TrainingStart read = Read(bytes, archive => TrainingStart.Exchange(archive, default));

            Assert.Equal(start.Model?.Weights, read.Model?.Weights);
            Assert.Equal((start.Model?.Bias, start.Previous is null), (read.Model?.Bias, read.Previous is null));
            Assert.Equal(bytes, Written(archive => TrainingStart.Exchange(archive, read)));
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Array_OtherLengthThanTheRestNeeds_ThrowsFormatException(int length)
    {
        byte[] bytes = Written(archive => archive.Array<float>([1, 2, 3]));

        Assert.Equal([1, 2, 3], Read(bytes, archive => archive.Array<float>(values: null, 3)));
        Assert.Throws<FormatException>(() => Read(bytes, archive => archive.Array<float>(values: null, length)));
    }

    [Fact]
    public void ArrayAndList_LongerThanTheFile_ThrowEndOfStream()
    {
        foreach (long count in new[] { -1, 1, long.MaxValue })
        {
            byte[] length = Written(archive => archive.Value<long>(count));
            Assert.Throws<EndOfStreamException>(() => Read(length, archive => archive.Array<float>(values: null)));
        }
        foreach (int count in new[] { -1, 1, int.MaxValue })
        {
            byte[] length = Written(archive => archive.Value<int>(count));
            Assert.Throws<EndOfStreamException>(() => Read(length, archive => archive.List<string>(items: null, (file, text) => file.Text(text))));
        }
    }

    [Theory]
    [InlineData(new[] { 2, 3, 7 }, true)]
    [InlineData(new int[0], true)]
    [InlineData(new[] { 2, 7, 3 }, false)]
    [InlineData(new[] { 2, 2 }, false)]
    [InlineData(new[] { -1, 2 }, false)]
    [InlineData(new[] { 2, 10 }, false)]
    [InlineData(new[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, false)]        // all ten are written as none
    public void Exchange_FeaturesNotAscendingOrBeyondTheLength_ThrowsFormatException(int[] features, bool fits)
    {
        byte[] bytes = Written(archive =>
        {
            archive.Value<int>(10);
            archive.Flag(true);
            return archive.Array(features);
        });
        ActiveFeatures Columns() => Read(bytes, archive => ActiveFeatures.Exchange(archive, written: null));

        if (fits)
            Assert.Equal((10, features.Length), (Columns().FeatureCount, Columns().Count));
        else
            Assert.Throws<FormatException>(Columns);
    }

    [Theory]
    [InlineData(3, 9, true)]
    [InlineData(2, 6, false)]        // there are as many directions as columns
    [InlineData(4, 12, false)]
    [InlineData(3, 8, false)]
    public void Exchange_DirectionsThatDoNotFitTheColumns_ThrowsFormatException(int directions, int vectorLength, bool fits)
    {
        byte[] bytes = Written(archive =>
        {
            archive.Flag(true);
            archive.Value<double>(0);
            archive.Array<double>([.. Enumerable.Repeat(1.0, directions)]);
            return archive.Array<double>([.. Enumerable.Range(0, vectorLength).Select(i => i % 4 == 0 ? 1.0 : 0)]);
        });
        Whitening Whiten() => Read(bytes, archive => Whitening.Exchange(archive, whitening: null, columns: 3));

        if (fits)
            Assert.Equal((3, 0), (Whiten().DirectionCount, Whiten().DroppedCount));
        else
            Assert.Throws<FormatException>(Whiten);
    }

    [Theory]
    [InlineData(2, 0, 1, true)]
    [InlineData(3, 0, 1, false)]        // more directions than columns
    [InlineData(-1, 0, 1, false)]
    [InlineData(2, 1, 1, false)]        // a column twice
    [InlineData(2, 0, 2, false)]        // no such column
    public void Exchange_FactorThatDoesNotFitTheColumns_ThrowsFormatException(int directions, int first, int second, bool fits)
    {
        byte[] bytes = Written(archive =>
        {
            archive.Flag(true);
            archive.Value<int>(directions);
            archive.Array<int>([first, second]);
            archive.Array<float>([.. Enumerable.Repeat(1f, Math.Max(directions, 0) * RowLayout.WholeVectors(2))]);
            archive.Array<double>([1]);
            return archive.Array<double>([1, 1]);
        });
        CholeskyWhitening Whiten() => Read(bytes, archive => CholeskyWhitening.Exchange(archive, written: null, columns: 2));

        if (fits)
            Assert.Equal((directions, 0), (Whiten().DirectionCount, Whiten().DroppedCount));
        else
            Assert.Throws<FormatException>(Whiten);
    }

    [Fact]
    public void Exchange_PartsOfAStateThatDoNotFit_ThrowsFormatException()
    {
        TrainingState state = State("lazy weights");
        TrainingState[] wrong =
        [
            state with { Epoch = state.Plan.NumberOfEpochs + 1 },
            state with { Epoch = -1 },
            state with { EpochsBefore = -1 },
            state with { StepsBefore = -1 },
            state with { Part = new(state.Plan.StepsPerEpoch + 1, default) },
            state with { Parameters = state.Parameters with { StepCount = -1 } },
            state with { Parameters = state.Parameters with { EarlierSums = [1] } },
            state with { Parameters = state.Parameters with { Values = [1] } },
            state with
            {
                Parameters = state.Parameters with
                {
                    LastSteps = [.. Enumerable.Repeat(state.Parameters.StepCount + 1, state.Parameters.Values.Length)],
                },
            },
        ];

        Assert.NotNull(state.Parameters.LastSteps);
        Assert.All(wrong, one => Assert.Throws<FormatException>(() => Read(
            Written(archive => TrainingState.Exchange(archive, one)), archive => TrainingState.Exchange(archive, state: null))));
    }

    private static TrainingState State(string form)
    {
        (Examples rows, Func<Options> make) = TrainingForms.All[form];
        return rows.Fit(TrainingForms.Short(make())).State;
    }

    private static byte[] Written<T>(Func<Archive, T> exchange)
    {
        using var stream = new MemoryStream();
        exchange(Archive.ToWrite(stream));
        return stream.ToArray();
    }

    private static T Read<T>(byte[] bytes, Func<Archive, T> exchange)
    {
        var archive = Archive.ToRead(new MemoryStream(bytes), bytes.Length);
        T read = exchange(archive);
        Assert.Equal(0, archive.Remaining);
        return read;
    }
}
