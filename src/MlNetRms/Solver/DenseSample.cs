using System.Numerics.Tensors;
using MlNetRms.Rows;

namespace MlNetRms.Solver;

/// <summary>
/// The dense columns of the rows kept as read, in the units of training but about their means and in double: they have digits that stored rows lack.
/// </summary>
internal sealed class DenseSample(TrainingRows rows)
{
    private readonly int[] _columns = [.. Enumerable.Range(0, rows.Layout.ColumnCount)
        .Where(column => rows.Layout.Position(column) < rows.Layout.DenseCount).OrderBy(rows.Layout.Position)];

    private delegate void Add(Row row, ReadOnlySpan<double> z, Span<double> sums);

    /// <summary>Whether every row has been kept, and all of it is dense.</summary>
    public bool IsComplete => rows.Layout.SparseCount == 0 && rows.SampledRows == rows.Training.RowCount;

    public int ColumnAt(int lane) => _columns[lane];

    /// <summary>The gradient of half the squared residuals, as sums over the rows; for residuals in the units of training.</summary>
    /// <param name="predictions">Gives the residuals.</param>
    public DenseGradient Gradient(RawPredictions predictions)
    {
        double[] sums = Sums(_columns.Length + 4, (row, z, sums) =>
        {
            double residual = (predictions.Of(row).Exact - row.Label) / rows.Scaling.LabelStandardDeviation;
            TensorPrimitives.MultiplyAdd(z, row.Weight * residual, sums[..z.Length], sums);
            sums[^4] += row.Weight * residual;
            sums[^3] += row.Weight * residual * residual;
            sums[^2] += row.Weight;
            sums[^1] += (double)row.Weight * row.Weight;
        });
        return new(sums[..^4], sums[^4], sums[^3], sums[^2], EffectiveRows: sums[^2] * sums[^2] / sums[^1]);
    }

    /// <summary>Σ c·z·(z·v) over the rows.</summary>
    public double[] Multiply(double[] v) =>
        Sums(_columns.Length, (row, z, sums) => TensorPrimitives.MultiplyAdd(z, row.Weight * TensorPrimitives.Dot(z, v), sums, sums));

    /// <summary>Σ c·(z·v)² / Σ c over the rows, for each of some vectors v.</summary>
    public double[] MeanSquares(double[][] vectors)
    {
        double[] sums = Sums(vectors.Length + 1, (row, z, sums) =>
        {
            for (int i = 0; i < vectors.Length; i++)
                sums[i] += row.Weight * Math.Pow(TensorPrimitives.Dot<double>(z, vectors[i]), 2);
            sums[^1] += row.Weight;
        });
        return Array.ConvertAll(sums[..^1], sum => sum / sums[^1]);
    }

    private double[] Sums(int length, Add add)
    {
        var z = new double[_columns.Length];
        return rows.Training.Sum([.. rows.Samples.Select(sample =>
        {
            var sums = new double[length];
            for (int number = 0; number < sample.Count; number++)
            {
                Fill(sample[number], z);
                add(sample[number], z, sums);
            }
            return sums;
        })]);
    }

    private void Fill(in Row row, double[] z)
    {
        Scaling scaling = rows.Scaling;
        if (!row.IsDense)
        {
            for (int lane = 0; lane < z.Length; lane++)
                z[lane] = -scaling.Mean(_columns[lane]) * scaling.Scale(_columns[lane]);
        }
        for (int k = 0; k < row.Values.Length; k++)
        {
            int lane = rows.Layout.PositionOfFeature(row.Column(k));
            if (lane >= 0 && lane < z.Length)
                z[lane] = (row.Values[k] - scaling.Mean(_columns[lane])) * scaling.Scale(_columns[lane]);
        }
    }
}

/// <summary>Sums over rows with residuals r, example weights c and dense columns z.</summary>
/// <param name="ByLane">Σ c·r·z.</param>
/// <param name="OfBias">Σ c·r.</param>
/// <param name="Squares">Σ c·r².</param>
/// <param name="Weight">Σ c.</param>
/// <param name="EffectiveRows">This many rows of equal weight would say as much; see <see cref="ExampleWeights.EffectiveRows"/>.</param>
internal sealed record DenseGradient(double[] ByLane, double OfBias, double Squares, double Weight, double EffectiveRows);
