using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Checkpoints;

/// <summary>A checkpoint of another training is an error that names the first difference.</summary>
public sealed class CheckpointConditionTests : IDisposable
{
    private static readonly Examples _rows = Some.Linear(1, 60, 3);
    private static readonly Examples _rowsOf20 = Some.Linear(1, 60, 20);

    private static readonly Dictionary<string, (Action<Options> Change, string Before, string Now)> _compared = new(OptionChanges.OfBits)
    {
        [nameof(Options.L2Regularization)] = (options => options.L2Regularization = 0, "null", "0"),        // no penalty is not the automatic one
        [nameof(Options.BatchSize)] = (options => options.BatchSize = 17, "8", "17"),
        [nameof(Options.NumberOfEpochs)] = (options => options.NumberOfEpochs = 5, "4", "5"),
        [nameof(Options.EpochCompleted)] = (options => options.EpochCompleted = _ => { }, "null", "set"),
        [nameof(Options.ValidationSet)] = (options => options.ValidationSet = _rows.View(new MLContext(1)), "0", "60"),
    };

    private static readonly string[] _mayDiffer =
    [
        nameof(Options.NumberOfThreads), nameof(Options.MemoryLimitInBytes), nameof(Options.TemporaryDirectory), nameof(Options.CancellationToken),
        nameof(Options.LabelColumnName), nameof(Options.FeatureColumnName), nameof(Options.Checkpoint),
        nameof(Options.Progress), nameof(Options.Collective),
    ];

    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("some.checkpoint");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Options_EveryOne_IsComparedOrMayDiffer() =>
        Assert.Equal(typeof(Options).GetProperties().Where(option => option.CanWrite).Select(option => option.Name).Order(),
            _compared.Keys.Concat(_mayDiffer).Order());

    public static TheoryData<string> Compared => [.. _compared.Keys];

    [Theory, MemberData(nameof(Compared))]
    public void Fit_AnotherOption_ThrowsWithTheOptionAndBothValuesAndLeavesTheFile(string option)
    {
        (Action<Options> change, string before, string now) = _compared[option];
        byte[] bytes = Break(_rows, Usual());
        Options changed = Usual();
        change(changed);

        string message = Assert.Throws<InvalidOperationException>(() => Interrupted.Fit(_rows, changed)).Message;

        string name = option switch
        {
            nameof(Options.ValidationSet) => "the number of validation rows",
            nameof(Options.EarlyStopping) => "EarlyStopping.Patience",
            _ => option,
        };
        Assert.Contains($"'{Path}' is of another training: {name} was {before}, and is {now} now.", message, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(Path));
    }

    [Fact]
    public void Fit_AnotherOption_ThrowsBeforeReadingRows()
    {
        Break(_rows, Usual());
        Options changed = Usual();
        changed.BatchSize = 5;
        bool isRead = false;
        IDataView view = Examples.View(new MLContext(1), Enumerable.Range(0, 10).Select(row =>
        {
            isRead = true;
            return new Example { Features = Examples.Sparse([row, 1, 2]), Label = row };
        }), 3);

        Assert.Throws<InvalidOperationException>(() => Interrupted.Trainer(changed).Fit(view));

        Assert.False(isRead);
    }

    public static TheoryData<string, string> OtherRows => new()
    {
        { "one row less", "the number of training rows was 60, and is 59 now" },
        { "another column", "the number of features was 3, and is 4 now" },
        { "a label", "the training rows" },
        { "a feature", "the training rows" },
        { "the last bit of a feature", "the training rows" },
        { "a feature of a sparse row", "the training rows" },
        { "two rows change places", "the training rows" },
        { "all labels doubled", "the training rows" },
        { "a column in other units", "the training rows" },
        { "all shifted", "the training rows" },
    };

    [Theory, MemberData(nameof(OtherRows))]
    public void Fit_OtherRows_ThrowsAndLeavesTheFile(string change, string difference)
    {
        foreach (Examples rows in new[] { _rows, Some.MostlyZero(1, 60, 1, 80, 2) })
        {
            Examples used = change == "another column" || rows == _rows ? _rows : rows;
            byte[] bytes = Break(used, Usual());

            string message = Assert.Throws<InvalidOperationException>(() => Interrupted.Fit(Changed(used, change), Usual())).Message;

            Assert.Contains($"is of another training: {difference}", message, StringComparison.Ordinal);
            Assert.Equal(bytes, File.ReadAllBytes(Path));
            File.Delete(Path);
        }
    }

    [Fact]
    public void Fit_OtherValidationRows_Throws()
    {
        Options options = Usual();
        options.ValidationSet = _rows.View(new MLContext(1));
        Break(_rows, options);
        options.ValidationSet = Changed(_rows, "a label").View(new MLContext(1));

        Assert.Contains("the validation rows", Assert.Throws<InvalidOperationException>(() => Interrupted.Fit(_rows, options)).Message,
            StringComparison.Ordinal);
    }

    /// <summary>More rows than are hashed one by one: whatever the row, the moments of the columns tell.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_OneValueOfManyRowsChanged_Throws(bool ofValidation)
    {
        Examples many = Some.Linear(2, 30_000, 20);
        Options options = Usual();
        options.BatchSize = 1000;
        Examples training = ofValidation ? _rowsOf20 : many;
        foreach (int row in new[] { -1, 0, 10_001, 29_999 })
        {
            float[][] features = [.. many.Features.Select(values => values.ToArray())];
            options.ValidationSet = ofValidation ? many.View(new MLContext(1)) : null;
            Break(training, options);
            if (row >= 0)
                features[row][3] += 1;
            var changed = new Examples(features, many.Labels);
            options.ValidationSet = ofValidation ? changed.View(new MLContext(1)) : null;
            RmsPropRegressionTransformer? model = null;

            Exception? failure = Record.Exception(() => model = Interrupted.Fit(ofValidation ? training : changed, options));

            if (row >= 0)
                Assert.Contains(ofValidation ? "the validation rows" : "the training rows",
                    Assert.IsType<InvalidOperationException>(failure).Message, StringComparison.Ordinal);
            else
                Assert.NotNull(model);
            File.Delete(Path);
        }
    }

    [Fact]
    public void Fit_SameRowsAsSparseOnes_GoesOn()
    {
        Examples rows = Some.MostlyZero(1, 60, 1, 80, 2);
        Options options = Usual();
        options.Checkpoint = null;
        RmsPropRegressionTransformer expected = Interrupted.Trainer(options).Fit(rows.View(new MLContext(1), _ => true));
        Break(rows, Usual(), isSparse: true);

        Interrupted.AssertSame(expected, Interrupted.Trainer(Usual()).Fit(rows.View(new MLContext(1), _ => true)));
    }

    private static Examples Changed(Examples rows, string change)
    {
        float[][] features = [.. rows.Features.Select(row => row.ToArray())];
        float[] labels = [.. rows.Labels];
        switch (change)
        {
            case "one row less":
                return rows.Take(Enumerable.Range(0, rows.Count - 1));
            case "another column":
                return new Examples([.. features.Select(row => row.Append(1).ToArray())], labels);
            case "a label":
                labels[7] += 1;
                break;
            case "a feature":
                features[7][0] += 1;
                break;
            case "the last bit of a feature":
                features[7][0] = MathF.BitIncrement(features[7][0]);
                break;
            case "a feature of a sparse row":
                int place = Array.FindLastIndex(features[7], value => value != 0);
                features[7][place] *= 2;
                break;
            case "two rows change places":
                (features[7], features[8], labels[7], labels[8]) = (features[8], features[7], labels[8], labels[7]);
                break;
            case "all labels doubled":
                labels = [.. labels.Select(label => 2 * label)];
                break;
            case "a column in other units":
                foreach (float[] row in features)
                    row[0] *= 4;
                break;
            case "all shifted":
                foreach (float[] row in features)
                    row[0] += 1024;
                break;
        }
        return new Examples(features, labels);
    }

    private Options Usual() => new() { NumberOfEpochs = 4, BatchSize = 8, Checkpoint = new() { Path = Path, EveryEpochs = 1 } };

    /// <summary>Trains until the second epoch is done; its file is then not written.</summary>
    private byte[] Break(Examples rows, Options options, bool isSparse = false)
    {
        int files = 0;
        Assert.Throws<Interrupted.BreakException>(() =>
            Interrupted.Trainer(options, path => ++files == 3 ? throw new Interrupted.BreakException() : Interrupted.Create(path))
            .Fit(rows.View(new MLContext(1), _ => isSparse)));
        return File.ReadAllBytes(Path);
    }
}
