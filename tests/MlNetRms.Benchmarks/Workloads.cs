namespace MlNetRms.Benchmarks;

/// <summary>Training rows, test rows, and the options to train with.</summary>
/// <param name="Name">Name in the tables and for <c>--only</c>.</param>
/// <param name="Rows">All rows: first those to train on, then those to test on.</param>
/// <param name="TrainCount">Number of training rows. If it is the number of all rows, the training rows are also the test rows.</param>
/// <param name="Options">Options of RmsProp.</param>
/// <param name="NonZerosPerRow">Null for dense rows.</param>
/// <param name="Folds">Parts of a cross-validation; null for a single fit.</param>
internal sealed record Workload(string Name, IRows Rows, int TrainCount, RmsPropRegressionTrainer.Options Options, int? NonZerosPerRow = null,
    int? Folds = null)
{
    public IRows Train => new RowRange(Rows, 0, TrainCount);

    public IRows Test => TrainCount < Rows.Count ? new RowRange(Rows, TrainCount, Rows.Count - TrainCount) : Rows;

    /// <summary>Bytes of the training rows: the values plus two numbers (dense) or 16 bytes (sparse) per row.</summary>
    public long PackedBytes => NonZerosPerRow is { } nonZeros
        ? TrainCount * (8L * nonZeros + 16)
        : (long)TrainCount * (Rows.FeatureCount + 2) * sizeof(float);
}

/// <summary>The workloads that the verbs share.</summary>
internal static class Workloads
{
    public const string Seed = "1500×5, textbook";

    /// <summary>Names that do not depend on <c>--quick</c>, which makes the big ones smaller.</summary>
    public static IReadOnlyList<Workload> All(bool quick)
    {
        int divisor = quick ? 20 : 1;
        return
        [
            SeedWorkload(),
            Dense("1500×5", 1500, 5),
            Dense("100k×10", 100_000 / divisor, 10),
            Dense("1M×20", 1_000_000 / divisor, 20),
            Dense("500k×100", 500_000 / divisor, 100),
            Dense("100k×1000", 100_000 / divisor, 1000),
            new("sparse 200k×100k", new SyntheticRows(200_000 / divisor, 100_000 / divisor, 50), 160_000 / divisor, new() { Seed = 0 }, 50),
            new("hashed 20k×16.8M", new SyntheticRows(24_000 / divisor, (1 << 24) / divisor, 50), 20_000 / divisor, new() { Seed = 0 }, 50),
            Dense("100k×20, 5 folds", 100_000 / divisor, 20) with { Folds = 5 },
        ];
    }

    /// <summary>The textbook's options on the textbook's data; on synthetic data of the same size if that is missing.</summary>
    private static Workload SeedWorkload()
    {
        IRows rows = DataSets.Airfoil is { } file ? FileRows.Load(file).Standardized(1500) : new SyntheticRows(1500, 5);
        RmsPropRegressionTrainer.Options options = RmsPropRegressionTrainer.Options.Textbook();
        options.Seed = 0;
        return new(Seed, rows, 1500, options);
    }

    private static Workload Dense(string name, int rows, int features) =>
        new(name, new SyntheticRows(rows + rows / 5, features), rows, new() { Seed = 0 });
}

/// <summary>The folder of the real regression sets, if it exists.</summary>
internal static class DataSets
{
    private const string Variable = "MLNETRMS_DATA";

    public static string Missing => $"needs the real data sets: put them into ../shared/data next to the project, or set {Variable} to their folder";

    /// <summary>All sets, by name; none if the folder is missing.</summary>
    public static IEnumerable<(string Name, string Path)> All =>
        from path in Folder is { } folder ? Directory.EnumerateFiles(folder) : []
        where path.EndsWith(".csv.gz", StringComparison.Ordinal) || path.EndsWith(".dat", StringComparison.Ordinal)
        orderby path
        select (Path.GetFileName(path).Split('.', '_')[0], path);

    public static string? Airfoil => All.FirstOrDefault(set => set.Name == "airfoil").Path;

    private static string? Folder
    {
        get
        {
            if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
                return Directory.Exists(named) ? named : null;
            for (DirectoryInfo? place = new(Environment.CurrentDirectory); place is not null; place = place.Parent)
            {
                string folder = Path.Combine(place.FullName, "..", "shared", "data");
                if (File.Exists(Path.Combine(place.FullName, "MlNetRms.sln")) && Directory.Exists(folder))
                    return folder;
            }
            return null;
        }
    }
}
