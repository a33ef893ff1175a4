using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// Passes over all rows in double: the mean loss and its gradient, products of its Hessian with a vector, and losses along a line. Parameters and
/// gradients are laid out as <see cref="RowLayout"/> says.
/// </summary>
/// <remarks>The rows are cut into pieces by their number alone, whose sums are added in their order: the bits do not depend on threads.</remarks>
/// <param name="rows">The rows.</param>
/// <param name="loss">The loss.</param>
/// <param name="numberOfThreads">Most threads.</param>
/// <param name="mostRows">A larger set is represented by as many of its rows, in evenly spaced blocks.</param>
/// <param name="cancellation">Ends a pass.</param>
internal sealed class RowPasses(
    RowSet rows, StandardizedLoss loss, int numberOfThreads, CancellationToken cancellation, long mostRows = long.MaxValue)
{
    private const int RowsAtOnce = 64;
    private const int BlockRows = 1024;

    /// <summary>A derivative in float is rounded by less than this share of it.</summary>
    private const double Rounding = 1e-4;

    /// <summary>Converts the products of rows into the factors of these rows in the sum, and adds to other sums.</summary>
    private delegate void RowTerm(in RowChunk chunk, Span<double> others);

    public RowLayout Layout => rows.Layout;

    /// <summary>The mean loss, in the units of the objective, and its gradient.</summary>
    public RowSums Gradient(double[] parameters)
    {
        double[] sums = Sum(parameters, direction: null, addsRows: true, others: 2, (in RowChunk chunk, Span<double> others) =>
        {
            for (int i = 0; i < chunk.Residuals.Length; i++)
            {
                others[0] += chunk.Weights[i] * Value(chunk.Residuals[i], chunk.Labels[i]);
                others[1] += chunk.Weights[i] * Math.Abs(chunk.Residuals[i]);
                chunk.Residuals[i] = chunk.Weights[i] * Derivative(chunk.Residuals[i], chunk.Labels[i]);
            }
        });
        return new RowSums(sums[^3] / sums[^1], sums[^2] / sums[^1], Mean(sums));
    }

    /// <summary>The Hessian of the mean loss times a vector.</summary>
    /// <param name="parameters">The point; it does not matter for the squared loss.</param>
    /// <param name="direction">The vector, with 0 at the label.</param>
    /// <param name="width">
    /// The loss's second derivative is the difference of its first one at this distance on both sides of a residual, so that a kink counts by the
    /// residuals near it.
    /// </param>
    /// <returns>The product, and whether no second derivative was negative; those that are count as 0.</returns>
    public (double[] Product, bool IsConvex) Curvature(double[] parameters, double[] direction, double width)
    {
        if (loss.IsSquared)
        {
            return (Mean(Sum(direction, direction: null, addsRows: true, others: 0, (in RowChunk chunk, Span<double> others) =>
            {
                for (int i = 0; i < chunk.Residuals.Length; i++)
                    chunk.Residuals[i] *= chunk.Weights[i];
            })), true);
        }
        double[] sums = Sum(parameters, direction, addsRows: true, others: 1, (in RowChunk chunk, Span<double> others) =>
        {
            for (int i = 0; i < chunk.Residuals.Length; i++)
            {
                double below = Derivative(chunk.Residuals[i] - width, chunk.Labels[i]);
                double above = Derivative(chunk.Residuals[i] + width, chunk.Labels[i]);
                if (above < below - Rounding * (Math.Abs(above) + Math.Abs(below)))
                    others[0]++;
                chunk.Residuals[i] = chunk.Weights[i] * Math.Max(above - below, 0) / (2 * width) * chunk.Along[i];
            }
        });
        return (Mean(sums), sums[^2] == 0);
    }

    /// <summary>The mean losses at <c>parameters − step·direction</c> for some steps.</summary>
    public double[] Losses(double[] parameters, double[] direction, double[] steps)
    {
        double[] sums = Sum(parameters, direction, addsRows: false, others: steps.Length, (in RowChunk chunk, Span<double> others) =>
        {
            for (int i = 0; i < chunk.Residuals.Length; i++)
            {
                for (int k = 0; k < steps.Length; k++)
                    others[k] += chunk.Weights[i] * Value(chunk.Residuals[i] - steps[k] * chunk.Along[i], chunk.Labels[i]);
            }
        });
        return [.. sums.AsSpan(Layout.Length, steps.Length).ToArray().Select(sum => sum / sums[^1])];
    }

    private double Value(double residual, float label) =>
        loss.IsSquared ? 0.5 * residual * residual : loss.ObjectiveFactor * loss.Value((float)(residual + label), label);

    private double Derivative(double residual, float label) => loss.IsSquared ? residual : loss.Derivative((float)(residual + label), label);

    /// <summary>The sums of the rows divided by the sum of the weights; 0 in lanes without a parameter.</summary>
    private double[] Mean(double[] sums)
    {
        double[] mean = sums[..Layout.Length];
        for (int i = 0; i < mean.Length; i++)
            mean[i] /= sums[^1];
        mean.AsSpan((Layout.BiasLane + 1)..Layout.DenseLength).Clear();
        return mean;
    }

    /// <returns>The sum of the rows times their factors, then the other sums, then the sum of the weights.</returns>
    private double[] Sum(double[] parameters, double[]? direction, bool addsRows, int others, RowTerm term) => rows.Sum(shard =>
    {
        int pieces = mostRows < rows.RowCount ? 1 : Decisions.PiecesOfPass(shard.RowCount, Layout.Stride, Layout.SparseCount);
        var sums = new double[pieces][];
        using var team = new WorkerTeam(Math.Min(numberOfThreads, pieces), pieces, piece =>
        {
            long first = piece * shard.RowCount / pieces;
            long end = (piece + 1) * shard.RowCount / pieces;
            sums[piece] = new double[Layout.Length + others + 1];
            IEnumerable<(long First, long End)> parts = mostRows >= rows.RowCount ? [(first, end)]
                : shard.EvenBlocks(rows.ShareOf(shard, mostRows), BlockRows).Select(block => (block.First, block.First + block.Count));
            foreach ((long from, long to) in parts)
                SumPiece(shard, from, to, parameters, direction, addsRows, term, sums[piece]);
        });
        team.Run();
        for (int piece = 1; piece < pieces; piece++)
        {
            for (int i = 0; i < sums[0].Length; i++)
                sums[0][i] += sums[piece][i];
        }
        return sums[0];
    });

    private void SumPiece(
        PackedRows shard, long first, long end, double[] parameters, double[]? direction, bool addsRows, RowTerm term, double[] sums)
    {
        RowLayout layout = Layout;
        int stride = layout.Stride;
        var residuals = new double[RowsAtOnce];
        var along = new double[direction is null ? 0 : RowsAtOnce];
        var labels = new float[RowsAtOnce];
        var weights = new float[RowsAtOnce];
        Span<double> others = sums.AsSpan(layout.Length..^1);
        for (long row = first; row < end;)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> lanes = shard.DenseRows(row, (int)Math.Min(RowsAtOnce, end - row));
            int count = lanes.Length / stride;
            Products(shard, row, lanes, parameters, residuals.AsSpan(0, count));
            if (direction is not null)
                Products(shard, row, lanes, direction, along.AsSpan(0, count));
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<float> one = lanes.Slice(i * stride, stride);
                (labels[i], weights[i]) = (shard.Label(one), shard.Weight(one));
                sums[^1] += weights[i];
            }
            term(new RowChunk(residuals.AsSpan(0, count), along.AsSpan(0, direction is null ? 0 : count), labels, weights), others);
            if (addsRows)
                AddRows(shard, row, lanes, residuals.AsSpan(0, count), sums);
            row += count;
        }
    }

    private void Products(PackedRows shard, long first, ReadOnlySpan<float> lanes, double[] parameters, Span<double> products)
    {
        WideKernels.Products(lanes, parameters.AsSpan(0, Layout.Stride), products);
        for (int i = 0; Layout.SparseCount > 0 && i < products.Length; i++)
        {
            shard.SparseRow(first + i, out ReadOnlySpan<int> positions, out ReadOnlySpan<float> values);
            products[i] += WideKernels.Dot(positions, values, parameters.AsSpan(Layout.DenseLength));
        }
    }

    private void AddRows(PackedRows shard, long first, ReadOnlySpan<float> lanes, ReadOnlySpan<double> factors, double[] sums)
    {
        WideKernels.AddRows(lanes, factors, sums.AsSpan(0, Layout.Stride));
        for (int i = 0; Layout.SparseCount > 0 && i < factors.Length; i++)
        {
            shard.SparseRow(first + i, out ReadOnlySpan<int> positions, out ReadOnlySpan<float> values);
            WideKernels.AddScaled(positions, values, factors[i], sums.AsSpan(Layout.DenseLength, Layout.SparseCount));
        }
    }

    /// <summary>A few rows.</summary>
    /// <param name="residuals">x·θ; the term replaces it by the factor of the row.</param>
    /// <param name="along">The product with the direction; empty if there is none.</param>
    /// <param name="labels">The labels.</param>
    /// <param name="weights">The example weights.</param>
    private readonly ref struct RowChunk(
        Span<double> residuals, ReadOnlySpan<double> along, ReadOnlySpan<float> labels, ReadOnlySpan<float> weights)
    {
        public Span<double> Residuals { get; } = residuals;

        public ReadOnlySpan<double> Along { get; } = along;

        public ReadOnlySpan<float> Labels { get; } = labels;

        public ReadOnlySpan<float> Weights { get; } = weights;
    }
}

/// <summary>Means over all rows at one point.</summary>
/// <param name="Loss">Mean loss, in the units of the objective.</param>
/// <param name="MeanSize">Mean size of a residual.</param>
/// <param name="Gradient">The gradient of the mean loss.</param>
internal sealed record RowSums(double Loss, double MeanSize, double[] Gradient);
