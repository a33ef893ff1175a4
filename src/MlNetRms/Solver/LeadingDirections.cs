using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;


namespace MlNetRms.Solver;

/// <summary>
/// The few directions in which the dense columns of stored rows vary far more than in the others, as where many columns follow a few common
/// factors. Plain data, immutable.
/// </summary>
/// <remarks>
/// Found by subspace iteration on a sample of the rows, started from some of the rows themselves, which point along these directions already
/// (Halko, Martinsson and Tropp 2011): the cost grows with the number of columns, not with its cube.
/// </remarks>
internal sealed class LeadingDirections
{
    private const int MostDirections = 16;

    /// <summary>The sample has about so many values, and at least so many rows.</summary>
    private const long SampleValues = 2_000_000;
    private const long FewestRows = 256;

    /// <summary>Each brings the part of weaker directions down by the ratio of the variances; strong ones need few.</summary>
    private const int Passes = 4;

    /// <summary>Times the most that uncorrelated columns show in any direction of such a sample.</summary>
    private const double LeastVarianceRatio = 2;

    /// <summary>A vector of which orthogonalization leaves less than this depends on the others.</summary>
    private const double SmallestRest = 1e-4;

    /// <summary>Rows of so many bytes stay in the second-level cache while they are multiplied with all directions.</summary>
    private const int BlockBytes = 1 << 18;

    private LeadingDirections(int columns, IReadOnlyList<float[]> vectors, IReadOnlyList<double> variances)
    {
        ColumnCount = columns;
        // Rows with an example weight can be longer than others of these columns; a training of either can be continued with the other.
        Vectors = [.. vectors.Select(vector => vector[..RowLayout.WholeVectors(columns + 2)])];
        Variances = variances;
    }

    public int ColumnCount { get; }

    /// <summary>Orthogonal and of length 1, each padded with zeros to the length of a packed row's dense part without an example weight.</summary>
    public IReadOnlyList<float[]> Vectors { get; }

    /// <summary>The variance along each.</summary>
    public IReadOnlyList<double> Variances { get; }

    /// <returns>Null if no direction stands out.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static LeadingDirections? Of(RowSet rows, CancellationToken cancellation)
    {
        int columns = rows.Layout.DenseCount;
        long sample = Math.Min(rows.RowCount, Math.Max(FewestRows, SampleValues / columns));
        double mostOfNoise = Math.Pow(1 + Math.Sqrt((double)columns / sample), 2);
        List<float[]> vectors = Orthonormal(SomeRows(rows));
        for (int pass = 1; ; pass++)
        {
            (List<float[]> next, double[] variances) = Multiply(rows, sample, vectors, cancellation);
            if (pass == Passes || (pass > 1 && !variances.Any(variance => variance > mostOfNoise)))
            {
                int[] kept = [.. Enumerable.Range(0, vectors.Count).Where(k => variances[k] > LeastVarianceRatio * mostOfNoise)];
                return kept is [] ? null : new(columns, [.. kept.Select(k => vectors[k])], [.. kept.Select(k => variances[k])]);
            }
            vectors = Orthonormal(next);
        }
    }

    /// <summary>As many rows as directions, from the parts in turn.</summary>
    private static List<float[]> SomeRows(RowSet rows)
    {
        IEnumerable<(int Part, int Place)> places = Enumerable.Range(0, MostDirections).SelectMany(place =>
            Enumerable.Range(0, rows.RowCounts.Count).Where(part => place < rows.RowCounts[part]).Select(part => (part, place)));
        return [.. places.Take(MostDirections).Select(at => rows.Of(at.Part, rows.Layout.Stride,
            part => Copy(part, part.EvenBlocks(Math.Min(MostDirections, part.RowCount), 1).ElementAt(at.Place).First)))];
    }

    /// <summary>Writes directions to a file, or reads some. The padding depends on the machine and is left out.</summary>
    /// <exception cref="FormatException">The parts do not fit together.</exception>
    public static LeadingDirections Exchange(Archive file, LeadingDirections? directions, int columns)
    {
        double[] variances = file.Array<double>(directions is null ? null : [.. directions.Variances]);
        if (variances.Length is 0 or > MostDirections)
            throw new FormatException();
        float[][] vectors = [.. variances.Select((_, k) => file.Array(directions?.Vectors[k][..columns], columns))];
        return new(columns, [.. vectors.Select(vector => Padded(vector, columns))], variances);
    }

    private static float[] Padded(float[] vector, int columns)
    {
        Array.Resize(ref vector, RowLayout.WholeVectors(columns + 2));
        return vector;
    }

    private static float[] Copy(PackedRows rows, long position)
    {
        float[] vector = rows.DenseRows(position, 1).ToArray();
        vector.AsSpan(rows.Layout.DenseCount).Clear();
        return vector;
    }

    /// <summary>Multiplies vectors by the covariance of a sample, up to a factor, and returns the variance along each of them.</summary>
    private static (List<float[]> Products, double[] Variances) Multiply(
        RowSet rows, long sample, List<float[]> vectors, CancellationToken cancellation)
    {
        (List<float[]> Products, double[] Sums)[] parts = [.. rows.Parts.Select(part => OfPart(part, rows.ShareOf(part, sample), vectors, cancellation))];
        double[] sums = rows.Sum([.. parts.Select(part => part.Sums)]);
        return ([.. vectors.Select((_, k) => rows.Sum([.. parts.Select(part => part.Products[k])]))], Array.ConvertAll(sums[..^1], sum => sum / sums[^1]));
    }

    /// <returns>The products with each vector; the sums of squares along each, and behind them the sum of the weights.</returns>
    private static (List<float[]> Products, double[] Sums) OfPart(PackedRows rows, long sample, List<float[]> vectors, CancellationToken cancellation)
    {
        int stride = rows.Layout.Stride;
        int blockRows = Math.Max(1, BlockBytes / sizeof(float) / stride);
        List<float[]> products = [.. vectors.Select(_ => new float[stride])];
        var sums = new double[vectors.Count];
        double weights = 0;
        var along = new float[blockRows];
        var rowWeights = new float[blockRows];
        foreach ((long first, int count) in rows.EvenBlocks(sample, blockRows))
        {
            cancellation.ThrowIfCancellationRequested();
            for (int done = 0; done < count;)
            {
                ReadOnlySpan<float> lanes = rows.DenseRows(first + done, count - done);
                int filled = lanes.Length / stride;
                for (int i = 0; i < filled; i++)
                {
                    rowWeights[i] = rows.Weight(lanes.Slice(i * stride, stride));
                    weights += rowWeights[i];
                }
                for (int k = 0; k < vectors.Count; k++)
                {
                    LinearKernels.Residuals(lanes, vectors[k], along.AsSpan(0, filled));
                    for (int i = 0; i < filled; i++)
                    {
                        float value = along[i];
                        along[i] *= rowWeights[i];
                        sums[k] += (double)value * along[i];
                    }
                    LinearKernels.AddGradient(lanes, along.AsSpan(0, filled), products[k]);
                }
                done += filled;
            }
        }
        foreach (float[] product in products)
            product.AsSpan(rows.Layout.DenseCount).Clear();
        return (products, [.. sums, weights]);
    }

    /// <summary>Gram-Schmidt in double, twice over, since once leaves rounding; vectors that depend on others are left out.</summary>
    private static List<float[]> Orthonormal(List<float[]> vectors)
    {
        var orthonormal = new List<double[]>();
        foreach (float[] vector in vectors)
        {
            double[] rest = Array.ConvertAll(vector, value => (double)value);
            double length = Length(rest);
            for (int time = 0; time < 2; time++)
            {
                foreach (double[] other in orthonormal)
                {
                    double along = 0;
                    for (int i = 0; i < rest.Length; i++)
                        along += rest[i] * other[i];
                    for (int i = 0; i < rest.Length; i++)
                        rest[i] -= along * other[i];
                }
            }
            double left = Length(rest);
            if (left > SmallestRest * length)
                orthonormal.Add(Array.ConvertAll(rest, value => value / left));
        }
        return [.. orthonormal.Select(vector => Array.ConvertAll(vector, value => (float)value))];
    }

    private static double Length(double[] vector) => Math.Sqrt(vector.Sum(value => value * value));
}
