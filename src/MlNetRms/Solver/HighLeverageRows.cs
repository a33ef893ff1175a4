using System.Numerics.Tensors;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// Rows so long, in the coordinates that are stepped, that one of them outweighs several batches. They take part in every batch, each with its share
/// of the mean gradient, instead of once per epoch.
/// </summary>
/// <remarks>
/// A row of squared length h moves its own prediction by about η·h / (B·√s) per step. If it is in a batch once per epoch, the mean square s has
/// forgotten it when it comes again, and the step overshoots by up to √(n/B)·η in a coordinate where its value is √n. The squared lengths of n rows
/// add up to n·d, so only a few rows can be that long.
/// </remarks>
internal sealed class HighLeverageRows
{
    /// <summary>Squared lengths are estimated from this many random directions (Achlioptas 2003); with fewer coordinates they are exact.</summary>
    private const int MostDirections = 16;

    /// <summary>An estimate from that many directions is hardly ever less than this share of the truth.</summary>
    private const double LeastShare = 0.3;

    /// <summary>Of this many rows with the largest estimates the squared lengths are computed.</summary>
    private const int MostCandidates = 4 * Decisions.MostHighLeverageRows;

    private const int RowsAtOnce = 64;

    private readonly long[][] _byShard;

    private HighLeverageRows(long[][] byShard, int count) => (_byShard, Count) = (byShard, count);

    /// <summary>None.</summary>
    public static HighLeverageRows None { get; } = new([], count: 0);

    /// <summary>Their number in all shards.</summary>
    public int Count { get; }

    /// <summary>The rows of one of this process's shards, ascending.</summary>
    public long[] OfShard(int shard) => _byShard.Length == 0 ? [] : _byShard[shard];

    /// <summary>Finds the rows whose squared length times example weight is largest, at most 64 above eight batches.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="coordinates">Those that are stepped.</param>
    /// <param name="batchSize">Rows of a mini-batch.</param>
    /// <param name="seed">Of the random directions.</param>
    /// <param name="cancellation">Ends the pass.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static HighLeverageRows Find(RowSet rows, Coordinates coordinates, int batchSize, int seed, CancellationToken cancellation)
    {
        double least = Decisions.LeastHighLeverage(batchSize);
        IReadOnlyList<float[]> directions = Directions(rows.Layout, coordinates, seed);
        // Every process finds the same rows: it sees the longest of each shard, as pairs of squared length and number.
        (double Norm, int Shard, long Row)[] longest = [.. rows.InTurn(shard => Longest(shard, coordinates, directions, least, cancellation))
            .SelectMany((numbers, shard) => numbers.Chunk(2).Where(pair => pair[0] > 0).Select(pair => (pair[0], shard, (long)pair[1])))
            .OrderByDescending(row => row.Item1).ThenBy(row => row.shard).ThenBy(row => row.Item3)
            .Take(Decisions.MostHighLeverageRows)];
        return new HighLeverageRows([.. rows.Shards.Select((_, shard) =>
            longest.Where(row => row.Shard == rows.FirstShard + shard).Select(row => row.Row).Order().ToArray())], longest.Length);
    }

    /// <summary>Parameters whose product with a row is that of a random direction with the row's coordinates.</summary>
    private static IReadOnlyList<float[]> Directions(RowLayout layout, Coordinates coordinates, int seed)
    {
        int[] positions = [.. layout.Weights.SelectMany(range => Enumerable.Range(0, layout.Length).Take(range))];
        int count = Math.Min(MostDirections, positions.Length);
        var random = new SeededRandom(seed, RandomStream.Leverage);
        return [.. Enumerable.Range(0, count).Select(k =>
        {
            var direction = new double[layout.Length];
            for (int i = 0; i < positions.Length; i++)
            {
                bool isPositive = (random.Bits((long)k * positions.Length + i) & 1) == 0;
                direction[positions[i]] = count == positions.Length ? (i == k ? 1 : 0) : (isPositive ? 1 : -1) / Math.Sqrt(count);
            }
            return Array.ConvertAll(coordinates.Unit(direction), value => (float)value);
        })];
    }

    /// <returns>Squared length times weight and number of the longest rows of a shard, padded with zeros.</returns>
    private static double[] Longest(
        PackedRows rows, Coordinates coordinates, IReadOnlyList<float[]> directions, double least, CancellationToken cancellation)
    {
        RowLayout layout = rows.Layout;
        var candidates = new PriorityQueue<long, double>();
        var products = new float[RowsAtOnce];
        var norms = new double[RowsAtOnce];
        for (long row = 0; row < rows.RowCount;)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> lanes = rows.DenseRows(row, (int)Math.Min(RowsAtOnce, rows.RowCount - row));
            int count = lanes.Length / layout.Stride;
            Array.Clear(norms);
            foreach (float[] direction in directions)
            {
                LinearKernels.Residuals(lanes, direction.AsSpan(0, layout.Stride), products.AsSpan(0, count));
                for (int i = 0; i < count; i++)
                {
                    double product = products[i];
                    if (layout.SparseCount > 0)
                    {
                        rows.SparseRow(row + i, out ReadOnlySpan<int> positions, out ReadOnlySpan<float> values);
                        product += SparseKernels.Dot(positions, values, direction.AsSpan(layout.DenseLength));
                    }
                    norms[i] += product * product;
                }
            }
            for (int i = 0; i < count; i++)
            {
                double norm = norms[i] * rows.Weight(lanes.Slice(i * layout.Stride, layout.Stride));
                if (norm <= LeastShare * least)
                    continue;
                candidates.Enqueue(row + i, norm);
                if (candidates.Count > MostCandidates)
                    candidates.Dequeue();
            }
            row += count;
        }
        var longest = new double[2 * Decisions.MostHighLeverageRows];
        int found = 0;
        IEnumerable<(long Row, double Norm)> exact = candidates.UnorderedItems
            .Select(candidate => (candidate.Element, Norm(rows, candidate.Element, coordinates)));
        foreach ((long row, double norm) in exact.Where(candidate => candidate.Norm > least)
            .OrderByDescending(candidate => candidate.Norm).ThenBy(candidate => candidate.Row).Take(Decisions.MostHighLeverageRows))
        {
            (longest[found], longest[found + 1]) = (norm, row);
            found += 2;
        }
        return longest;
    }

    /// <summary>A row's squared length in the coordinates times its weight.</summary>
    private static double Norm(PackedRows rows, long number, Coordinates coordinates)
    {
        RowLayout layout = rows.Layout;
        var row = new double[layout.Length];
        ReadOnlySpan<float> lanes = rows.DenseRows(number, 1);
        for (int lane = 0; lane < layout.DenseCount; lane++)
            row[lane] = lanes[lane];
        row[layout.BiasLane] = 1;
        double weight = rows.Weight(lanes);
        if (layout.SparseCount > 0)
        {
            rows.SparseRow(number, out ReadOnlySpan<int> positions, out ReadOnlySpan<float> values);
            for (int k = 0; k < positions.Length; k++)
                row[layout.DenseLength + positions[k]] = values[k];
        }
        double[] inCoordinates = coordinates.UnitGradient(row);
        inCoordinates[layout.BiasLane] = 0;
        return weight * TensorPrimitives.SumOfSquares<double>(inCoordinates);
    }
}
