using System.Numerics.Tensors;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// The few directions in which the dense columns of stored rows vary far more than in the others, for example because many columns follow a few
/// common factors. Plain data, immutable.
/// </summary>
/// <remarks>
/// Found by subspace iteration on a sample of the rows. It starts from some of the rows themselves, which already point along these directions
/// (Halko, Martinsson and Tropp 2011): the cost grows with the number of columns, not with its cube.
/// </remarks>
internal sealed class LeadingDirections
{
    /// <summary>Each pass weakens the other directions by the ratio of the variances; strong directions need few.</summary>
    private const int Passes = 4;

    /// <summary>A vector depends on the others if orthogonalization leaves a smaller share of it.</summary>
    private const double SmallestRest = 1e-4;

    /// <summary>Rows of this many bytes stay in the second-level cache while they are multiplied with all directions.</summary>
    private const int BlockBytes = 1 << 18;

    private LeadingDirections(int columns, IReadOnlyList<float[]> vectors, IReadOnlyList<double> variances)
    {
        ColumnCount = columns;
        Vectors = [.. vectors.Select(vector => vector[..columns])];
        Variances = variances;
    }

    public int ColumnCount { get; }

    /// <summary>Orthogonal and of length 1, one number for each dense column.</summary>
    public IReadOnlyList<float[]> Vectors { get; }

    /// <summary>The variance along each.</summary>
    public IReadOnlyList<double> Variances { get; }

    /// <returns>Null if no direction has a much larger variance than the others.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static LeadingDirections? Find(RowSet rows, CancellationToken cancellation)
    {
        int columns = rows.Layout.DenseCount;
        long sample = Decisions.LeadingDirectionRows(rows.RowCount, columns);
        double mostOfNoise = Math.Pow(1 + Math.Sqrt((double)columns / sample), 2);
        List<float[]> vectors = Orthonormalize(RowsToStart(rows));
        for (int pass = 1; ; pass++)
        {
            (List<float[]> next, double[] variances) = Multiply(rows, sample, vectors, cancellation);
            if (pass == Passes || (pass > 1 && !variances.Any(variance => variance > mostOfNoise)))
            {
                int[] kept = [.. Enumerable.Range(0, vectors.Count).Where(k => Decisions.IsLeading(variances[k], mostOfNoise))];
                return kept is [] ? null : new(columns, [.. kept.Select(k => vectors[k])], [.. kept.Select(k => variances[k])]);
            }
            vectors = Orthonormalize(next);
        }
    }

    /// <summary>As many rows as directions, from the shards in turn.</summary>
    private static List<float[]> RowsToStart(RowSet rows)
    {
        IEnumerable<(int Shard, int Number)> starts = Enumerable.Range(0, Decisions.MostLeadingDirections).SelectMany(number =>
            Enumerable.Range(0, rows.RowCounts.Count).Where(shard => number < rows.RowCounts[shard]).Select(shard => (shard, number)));
        return [.. starts.Take(Decisions.MostLeadingDirections).Select(at => rows.Broadcast(at.Shard, rows.Layout.Stride,
            shard => Copy(shard, shard.EvenBlocks(Math.Min(Decisions.MostLeadingDirections, shard.RowCount), 1).ElementAt(at.Number).First)))];
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
        (List<float[]> Products, double[] Sums)[] shards =
            [.. rows.Shards.Select(shard => MultiplyShard(shard, rows.ShareOf(shard, sample), vectors, cancellation))];
        double[] sums = rows.Sum([.. shards.Select(shard => shard.Sums)]);
        List<float[]> products = [.. vectors.Select((_, k) => rows.Sum([.. shards.Select(shard => shard.Products[k])]))];
        return (products, Array.ConvertAll(sums[..^1], sum => sum / sums[^1]));
    }

    /// <returns>The products with each vector; the sums of squares along each, then the sum of the weights.</returns>
    private static (List<float[]> Products, double[] Sums) MultiplyShard(
        PackedRows rows, long sample, List<float[]> vectors, CancellationToken cancellation)
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

    /// <summary>Gram-Schmidt in double, done twice because once leaves rounding errors. Vectors that depend on others are left out.</summary>
    private static List<float[]> Orthonormalize(List<float[]> vectors)
    {
        var orthonormal = new List<double[]>();
        foreach (float[] vector in vectors)
        {
            double[] rest = Array.ConvertAll(vector, value => (double)value);
            double length = TensorPrimitives.Norm<double>(rest);
            for (int time = 0; time < 2; time++)
            {
                foreach (double[] other in orthonormal)
                    TensorPrimitives.MultiplyAdd(other, -TensorPrimitives.Dot<double>(rest, other), rest, rest);
            }
            double left = TensorPrimitives.Norm<double>(rest);
            if (left > SmallestRest * length)
                orthonormal.Add(Array.ConvertAll(rest, value => value / left));
        }
        return [.. orthonormal.Select(vector => Array.ConvertAll(vector, value => (float)value))];
    }
}
