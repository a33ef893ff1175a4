using CsCheck;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Contract;

/// <summary>Kinds of random columns.</summary>
internal enum ColumnKind
{
    Normal,
    Zero,
    Constant,
    Binary,
    MostlyZero,
    CopyOfFirst,
    FarFromZero,
    Large,
    Small,
    HeavyTailed,
}

/// <summary>Kinds of random labels.</summary>
internal enum LabelKind
{
    Linear,
    Noise,
    Constant,
    Binary,
    Large,
    Small,
    FarFromZero,
    HeavyTailed,
}

/// <summary>Which rows of a random set are stored sparse.</summary>
internal enum Storage
{
    Dense,
    Sparse,
    Mixed,
}

/// <summary>The description of a few random rows, which always generates the same rows.</summary>
internal sealed record RandomRows(int Seed, int Count, ColumnKind[] Columns, LabelKind Label, Storage Storage, bool Weighted, bool SomeUnusable)
{
    private const int MostRows = 40;

    public static Gen<RandomRows> Gen { get; } = CsCheck.Gen.Select(
        CsCheck.Gen.Int, CsCheck.Gen.Int[1, MostRows], Kinds(), CsCheck.Gen.Enum<LabelKind>(), CsCheck.Gen.Enum<Storage>(), CsCheck.Gen.Bool,
        CsCheck.Gen.Bool, (seed, count, columns, label, storage, weighted, unusable) =>
            new RandomRows(seed, count, columns, label, storage, weighted, unusable));

    /// <summary>The rows; some of them have an unusable value or weight.</summary>
    public Examples Examples()
    {
        var random = new Random(Seed);
        float[][] features = [.. Enumerable.Range(0, Count).Select(_ => new float[Columns.Length])];
        double[] sums = new double[Count];
        for (int i = 0; i < Columns.Length; i++)
        {
            double weight = Some.Normal(random);
            double constant = Some.Normal(random);
            for (int row = 0; row < Count; row++)
            {
                double x = Some.Normal(random);
                features[row][i] = (float)Value(Columns[i], x, constant, features[row][0]);
                sums[row] += weight * x;
            }
        }
        float[] labels = [.. sums.Select(sum => (float)Value(Label, sum, Some.Normal(random)))];
        float[]? weights = Weighted ? [.. labels.Select(_ => 0.1f + 3 * random.NextSingle())] : null;
        if (SomeUnusable)
        {
            for (int row = 3; row < Count; row += 5)
                Spoil(random, row, features, labels, weights);
        }
        return new Examples(features, labels, weights);
    }

    public IDataView View(MLContext ml, Examples rows) => rows.View(ml, row => Storage switch
    {
        Storage.Dense => false,
        Storage.Sparse => true,
        _ => row % 2 == 0,
    });

    public override string ToString() => $"rows from {Seed}: {Count}, columns [{string.Join(", ", Columns)}], label {Label}, {Storage}" +
        $"{(Weighted ? ", weighted" : "")}{(SomeUnusable ? ", some unusable" : "")}";

    /// <summary>Usually a few columns; sometimes enough sparse ones to be stored separately from the dense ones.</summary>
    private static Gen<ColumnKind[]> Kinds() => CsCheck.Gen.Frequency(
        (9, CsCheck.Gen.Enum<ColumnKind>().Array[1, 8]),
        (1, CsCheck.Gen.Select(CsCheck.Gen.Enum<ColumnKind>().Array[1, 4], CsCheck.Gen.Int[64, 80], (few, sparse) =>
            (ColumnKind[])[.. few, .. Enumerable.Repeat(ColumnKind.MostlyZero, sparse)])));

    private static double Value(ColumnKind kind, double x, double constant, float first) => kind switch
    {
        ColumnKind.Normal => x,
        ColumnKind.Zero => 0,
        ColumnKind.Constant => constant,
        ColumnKind.Binary => x > 0 ? 1 : 0,
        ColumnKind.MostlyZero => Math.Abs(x) > 1.7 ? x : 0,
        ColumnKind.CopyOfFirst => first,
        ColumnKind.FarFromZero => 1e4 + x,
        ColumnKind.Large => 1e10 * x,
        ColumnKind.Small => 1e-10 * x,
        _ => x * x * x * x * x,
    };

    private static double Value(LabelKind kind, double sum, double noise) => kind switch
    {
        LabelKind.Linear => 3 + sum + 0.3 * noise,
        LabelKind.Noise => noise,
        LabelKind.Constant => 5,
        LabelKind.Binary => noise > 0 ? 1 : 0,
        LabelKind.Large => 1e8 * (sum + noise),
        LabelKind.Small => 1e-8 * (sum + noise),
        LabelKind.FarFromZero => 1e5 + sum + noise,
        _ => noise * noise * noise * noise * noise,
    };

    private static void Spoil(Random random, int row, float[][] features, float[] labels, float[]? weights)
    {
        switch (random.Next(4))
        {
            case 0:
                features[row][random.Next(features[row].Length)] = float.NaN;
                break;
            case 1:
                features[row][random.Next(features[row].Length)] = float.PositiveInfinity;
                break;
            case 2:
                labels[row] = float.NaN;
                break;
            default:
                if (weights is not null)
                    weights[row] = random.Next(2) - 1;
                break;
        }
    }
}
