using System.Globalization;

namespace MlNetRms.Benchmarks.Accuracy.Families;

/// <summary>
/// A table of one to eight groups of columns of random kinds, as real tables have them, and a label that is linear in all columns. A weight is
/// worth about one deviation of what its column tells beside the others of its group, so that every column counts.
/// </summary>
internal sealed class RandomTable
{
    private const int MostGroups = 8;
    private const int MostColumns = 420;
    private const double FewestRows = 200;
    private const double MostRows = 100_000;

    /// <summary>Kinds of groups, and in what proportion they are drawn.</summary>
    private static readonly (string Name, int Share, Kind Draw)[] _kinds =
    [
        ("normal", 10, NormalColumns),
        ("lognormal", 9, LognormalColumns),
        ("flags", 10, Flags),
        ("category", 12, FewLevels),
        ("large category", 18, ManyLevels),
        ("year with flag", 12, YearWithFlag),
        ("sentinel with flag", 9, SentinelWithFlag),
        ("shared factor", 9, SharedFactor),
        ("powers", 8, Powers),
        ("amount with flag", 6, AmountWithFlag),
        ("rare amounts", 6, RareAmounts),
    ];

    private readonly List<string> _description = [];

    /// <summary>Draws the table of a seed.</summary>
    /// <param name="seed">Decides everything.</param>
    /// <param name="mostRows">Draws tables of at most this many rows.</param>
    public RandomTable(ulong seed, double mostRows = MostRows)
    {
        var random = new NormalSource(seed);
        int rows = (int)(FewestRows * Math.Pow(mostRows / FewestRows, random.Uniform()));
        // With more columns than half of the rows, least squares is not what a training without a penalty is judged by.
        int room = Math.Min(MostColumns, rows / 2);
        var groups = new List<Group>();
        for (int left = 1 + random.Below(MostGroups); left > 0; left--)
        {
            (string name, Kind draw) = DrawnKind(ref random);
            Group group = draw(rows, ref random);
            if (group.Columns > room)
                continue;
            room -= group.Columns;
            groups.Add(group);
            _description.Add($"{group.Columns} {name}");
        }
        if (groups.Count == 0)
        {
            groups.Add(NormalColumns(rows, ref random));
            _description.Add($"{groups[0].Columns} normal");
        }
        double noise = Math.Pow(10, -1 + 1.5 * random.Uniform());
        _description.Insert(0, FormattableString.Invariant($"{rows} rows, noise {noise:g2}"));
        ulong first = (ulong)random.Below(int.MaxValue);
        Examples = Fill(rows, groups, noise, first);
    }

    private delegate Group Kind(int rows, ref NormalSource random);

    private delegate double FillRow(Span<double> features, ref NormalSource random);

    public ExampleSet Examples { get; }

    /// <summary>Number of tables of a test; the environment variable overrides it.</summary>
    public static int Count(int usual) =>
        int.Parse(Environment.GetEnvironmentVariable("MLNETRMS_RANDOM_TABLES") ?? $"{usual}", CultureInfo.InvariantCulture);

    /// <returns>For example "1200 rows, noise 0.3, 2 year with flag, 17 category".</returns>
    public override string ToString() => string.Join(", ", _description);

    private static (string Name, Kind Draw) DrawnKind(ref NormalSource random)
    {
        int left = random.Below(_kinds.Sum(kind => kind.Share));
        foreach ((string name, int share, Kind draw) in _kinds)
        {
            left -= share;
            if (left < 0)
                return (name, draw);
        }
        throw new InvalidOperationException("The shares do not add up.");
    }

    private static ExampleSet Fill(int rows, List<Group> groups, double noise, ulong stream)
    {
        var random = new NormalSource(stream);
        return Family.Make(rows, groups.Sum(group => group.Columns), (_, features) =>
        {
            double label = noise * random.Next();
            int first = 0;
            foreach (Group group in groups)
            {
                label += group.Fill(features.AsSpan(first, group.Columns), ref random);
                first += group.Columns;
            }
            return label;
        });
    }

    private static Group NormalColumns(int rows, ref NormalSource random)
    {
        int columns = 1 + random.Below(12);
        double[] weights = random.Normals(columns);
        double[] means = [.. random.Normals(columns).Select(mean => 3 * mean)];
        double[] deviations = [.. random.Normals(columns).Select(power => Math.Pow(10, power))];
        return new(columns, (features, ref random) =>
        {
            double label = 0;
            for (int i = 0; i < features.Length; i++)
            {
                double z = random.Next();
                features[i] = deviations[i] * (means[i] + z);
                label += weights[i] * z;
            }
            return label;
        });
    }

    private static Group LognormalColumns(int rows, ref NormalSource random)
    {
        int columns = 1 + random.Below(6);
        double[] weights = random.Normals(columns);
        double sigma = 0.5 + 2 * random.Uniform();
        double deviation = SampleDeviation(rows, sigma, ref random);
        return new(columns, (features, ref random) =>
        {
            double label = 0;
            for (int i = 0; i < features.Length; i++)
            {
                features[i] = Math.Exp(sigma * random.Next());
                label += weights[i] * features[i] / deviation;
            }
            return label;
        });
    }

    /// <summary>1 in half of the rows down to one of 500.</summary>
    private static Group Flags(int rows, ref NormalSource random)
    {
        int columns = 1 + random.Below(12);
        double[] shares = new double[columns];
        for (int i = 0; i < columns; i++)
            shares[i] = 0.5 * Math.Pow(0.002 / 0.5, random.Uniform());
        double[] weights = WeightsOf(shares, ref random);
        return new(columns, (features, ref random) =>
        {
            double label = 0;
            for (int i = 0; i < features.Length; i++)
            {
                if (random.Uniform() >= shares[i])
                    continue;
                features[i] = 1;
                label += weights[i];
            }
            return label;
        });
    }

    private static Group FewLevels(int rows, ref NormalSource random) => Category(5 + random.Below(56), ref random);

    private static Group ManyLevels(int rows, ref NormalSource random) => Category(100 + random.Below(201), ref random);

    /// <summary>One column per level, with frequencies in proportion to a power of the rank.</summary>
    private static Group Category(int levels, ref NormalSource random)
    {
        double skew = 1.2 * random.Uniform();
        double[] shares = [.. Enumerable.Range(1, levels).Select(rank => Math.Pow(rank, -skew))];
        double total = shares.Sum();
        double[] cumulative = new double[levels];
        for (int level = 0; level < levels; level++)
        {
            shares[level] /= total;
            cumulative[level] = shares[level] + (level == 0 ? 0 : cumulative[level - 1]);
        }
        double[] weights = WeightsOf(shares, ref random);
        return new(levels, (features, ref random) =>
        {
            int found = Array.BinarySearch(cumulative, random.Uniform());
            int level = Math.Min(found < 0 ? ~found : found, levels - 1);
            features[level] = 1;
            return weights[level];
        });
    }

    /// <summary>A year that is 0 where it is missing, and a flag there.</summary>
    private static Group YearWithFlag(int rows, ref NormalSource random)
    {
        const double YearDeviation = 6;
        double missing = 0.3 * Math.Pow(0.003 / 0.3, random.Uniform());
        (double ofYear, double ofFlag) = (random.Next() / YearDeviation, random.Next());
        return new(2, (features, ref random) =>
        {
            int year = 2000 + random.Below(21);
            bool isMissing = random.Uniform() < missing;
            features[0] = isMissing ? 0 : year;
            features[1] = isMissing ? 1 : 0;
            return isMissing ? ofFlag : ofYear * (year - 2010);
        });
    }

    /// <summary>A number that is −999 where it is missing, and a flag there.</summary>
    private static Group SentinelWithFlag(int rows, ref NormalSource random)
    {
        const double Sentinel = -999;
        double missing = 0.3 * Math.Pow(0.003 / 0.3, random.Uniform());
        (double ofNumber, double ofFlag) = (random.Next(), random.Next());
        return new(2, (features, ref random) =>
        {
            double number = random.Next();
            bool isMissing = random.Uniform() < missing;
            features[0] = isMissing ? Sentinel : number;
            features[1] = isMissing ? 1 : 0;
            return isMissing ? ofFlag : ofNumber * number;
        });
    }

    /// <summary>Columns that are a common factor plus a little of their own, in all rows or together in some.</summary>
    private static Group SharedFactor(int rows, ref NormalSource random)
    {
        int columns = 3 + random.Below(12);
        double own = Math.Pow(10, -2 * random.Uniform());
        double present = random.Uniform() < 0.5 ? 1 : 0.5 * Math.Pow(0.02 / 0.5, random.Uniform());
        double[] weights = random.Normals(columns);
        return new(columns, (features, ref random) =>
        {
            if (random.Uniform() >= present)
                return 0;
            double factor = random.Next();
            double label = factor;
            for (int i = 0; i < features.Length; i++)
            {
                double z = random.Next();
                features[i] = factor + own * z;
                label += weights[i] * z;
            }
            return label;
        });
    }

    /// <summary>x, x², … of x in an interval that is up to five half widths from 0; a weight is that of a Legendre polynomial.</summary>
    private static Group Powers(int rows, ref NormalSource random)
    {
        int degree = 2 + random.Below(3);
        double middle = 5 * random.Uniform();
        double[] weights = random.Normals(degree);
        return new(degree, (features, ref random) =>
        {
            double t = 2 * random.Uniform() - 1;
            (double before, double legendre) = (1, t);
            double label = 0;
            double power = 1;
            for (int k = 1; k <= features.Length; k++)
            {
                power *= middle + t;
                features[k - 1] = power;
                label += weights[k - 1] * Math.Sqrt(2 * k + 1) * legendre;
                (before, legendre) = (legendre, ((2 * k + 1) * t * legendre - k * before) / (k + 1));
            }
            return label;
        });
    }

    /// <summary>A lognormal amount where there is one, and a flag there.</summary>
    private static Group AmountWithFlag(int rows, ref NormalSource random)
    {
        double present = 0.5 * Math.Pow(0.02 / 0.5, random.Uniform());
        double sigma = 0.5 + 1.5 * random.Uniform();
        double deviation = SampleDeviation(rows * present, sigma, ref random);
        (double ofAmount, double ofFlag) = (random.Next() / deviation, random.Next());
        return new(2, (features, ref random) =>
        {
            double amount = Math.Exp(sigma * random.Next());
            if (random.Uniform() >= present)
                return 0;
            features[0] = 100 * amount;
            features[1] = 1;
            return ofAmount * amount + ofFlag;
        });
    }

    /// <summary>Lognormal amounts, each in a few rows.</summary>
    private static Group RareAmounts(int rows, ref NormalSource random)
    {
        int columns = 3 + random.Below(38);
        double present = 0.05 * Math.Pow(0.005 / 0.05, random.Uniform());
        double sigma = 0.5 + 1.5 * random.Uniform();
        double deviation = SampleDeviation(rows * present, sigma, ref random);
        double[] weights = random.Normals(columns);
        return new(columns, (features, ref random) =>
        {
            double label = 0;
            for (int i = 0; i < features.Length; i++)
            {
                if (random.Uniform() >= present)
                    continue;
                double amount = Math.Exp(sigma * random.Next());
                features[i] = 100 * amount;
                label += weights[i] * amount / deviation;
            }
            return label;
        });
    }

    /// <summary>
    /// Weights of columns that are 1 in a share of the rows: in half of the groups an effect of about 1 where the column is 1, in the others one
    /// that makes a deviation of 1 over all rows.
    /// </summary>
    private static double[] WeightsOf(double[] shares, ref NormalSource random)
    {
        double[] weights = random.Normals(shares.Length);
        return random.Uniform() < 0.5 ? weights : [.. weights.Zip(shares, (weight, share) => weight / Math.Sqrt(share * (1 - share)))];
    }

    /// <summary>The deviation of this many lognormal numbers; that of all is far larger, since few of them decide it.</summary>
    private static double SampleDeviation(double count, double sigma, ref NormalSource random)
    {
        double sum = 0;
        double squares = 0;
        int drawn = Math.Max(2, (int)count);
        for (int i = 0; i < drawn; i++)
        {
            double number = Math.Exp(sigma * random.Next());
            sum += number;
            squares += number * number;
        }
        return Math.Sqrt(squares / drawn - Math.Pow(sum / drawn, 2));
    }

    /// <param name="Columns">Number of columns.</param>
    /// <param name="Fill">Writes a row of them over zeros and returns its part of the label.</param>
    private sealed record Group(int Columns, FillRow Fill);
}
