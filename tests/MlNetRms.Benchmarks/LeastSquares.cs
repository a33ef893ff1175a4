using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetRms.Benchmarks;

/// <summary>Weights and bias in raw units.</summary>
internal readonly record struct LinearModel(IReadOnlyList<float> Weights, double Bias)
{
    /// <summary>Root mean squared error, in double.</summary>
    public double RmseOn(IRows rows)
    {
        float[] weights = [.. Weights];
        double squares = 0;
        VBuffer<float> features = default;
        for (int row = 0; row < rows.Count; row++)
        {
            rows.Read(row, ref features, out float label);
            double residual = Bias - label;
            ReadOnlySpan<float> values = features.GetValues();
            ReadOnlySpan<int> columns = features.IsDense ? default : features.GetIndices();
            for (int k = 0; k < values.Length; k++)
                residual += (double)values[k] * weights[features.IsDense ? k : columns[k]];
            squares += residual * residual;
        }
        return Math.Sqrt(squares / rows.Count);
    }
}

/// <summary>Exact answers for comparison, by Math.NET Numerics' managed code.</summary>
internal static class LeastSquares
{
    private const int BlockRows = 512;

    /// <summary>
    /// Sums the normal equations in one pass over a view and solves them by Cholesky factorisation. For dense, well-conditioned data only.
    /// </summary>
    public static LinearModel ByCholesky(IDataView view)
    {
        int featureCount = ((VectorDataViewType)view.Schema["Features"].Type).Size;
        int columns = featureCount + 2;
        var gram = Matrix<double>.Build.Dense(columns, columns);
        var block = new double[columns * BlockRows];
        int filled = 0;
        using (DataViewRowCursor cursor = view.GetRowCursor(view.Schema))
        {
            ValueGetter<VBuffer<float>> getFeatures = cursor.GetGetter<VBuffer<float>>(view.Schema["Features"]);
            ValueGetter<float> getLabel = cursor.GetGetter<float>(view.Schema["Label"]);
            VBuffer<float> features = default;
            float label = 0;
            while (cursor.MoveNext())
            {
                getFeatures(ref features);
                getLabel(ref label);
                ReadOnlySpan<float> values = features.GetValues();
                Span<double> row = block.AsSpan(filled * columns, columns);
                for (int i = 0; i < values.Length; i++)
                    row[i] = values[i];
                row[^2] = 1;
                row[^1] = label;
                if (++filled == BlockRows)
                    AddBlock();
            }
        }
        AddBlock();
        Matrix<double> coefficients = gram.SubMatrix(0, columns - 1, 0, columns - 1);
        Vector<double> solution = coefficients.Cholesky().Solve(gram.Column(columns - 1, 0, columns - 1));
        return Model(solution.SubVector(0, featureCount), solution[featureCount]);

        void AddBlock()
        {
            // Column-major storage: the rows of the view are the columns of the matrix.
            Array.Clear(block, filled * columns, block.Length - filled * columns);
            Matrix<double> rows = Matrix<double>.Build.Dense(columns, BlockRows, block);
            gram.Add(rows.TransposeAndMultiply(rows), gram);
            filled = 0;
        }
    }

    /// <summary>Uses the singular values of the standardised columns; those below 1e-7 of the largest count as 0.</summary>
    public static LinearModel BySingularValues(IRows rows)
    {
        const double Negligible = 1e-7;
        (Matrix<double> x, Vector<double> y) = Dense(rows);
        Vector<double> means = x.ColumnSums() / rows.Count;
        double labelMean = y.Average();
        x.MapIndexedInplace((_, column, value) => value - means[column]);
        // A constant column is divided by 1 instead of 0; its weight becomes 0 with its singular value.
        Vector<double> deviations = (x.ColumnNorms(2) / Math.Sqrt(rows.Count)).Map(deviation => deviation > 0 ? deviation : 1);
        x.MapIndexedInplace((_, column, value) => value / deviations[column]);

        QR<double> thin = x.QR(QRMethod.Thin);
        Svd<double> svd = thin.R.Svd();
        Vector<double> projected = svd.U.TransposeThisAndMultiply(thin.Q.TransposeThisAndMultiply(y - labelMean));
        Vector<double> scaled = projected.MapIndexed((i, value) => svd.S[i] > Negligible * svd.S[0] ? value / svd.S[i] : 0);
        Vector<double> weights = svd.VT.TransposeThisAndMultiply(scaled).PointwiseDivide(deviations);
        return Model(weights, labelMean - weights.DotProduct(means));
    }

    private static (Matrix<double> X, Vector<double> Y) Dense(IRows rows)
    {
        var x = Matrix<double>.Build.Dense(rows.Count, rows.FeatureCount);
        var y = Vector<double>.Build.Dense(rows.Count);
        VBuffer<float> features = default;
        for (int row = 0; row < rows.Count; row++)
        {
            rows.Read(row, ref features, out float label);
            y[row] = label;
            for (int i = 0; i < rows.FeatureCount; i++)
                x[row, i] = features.GetItemOrDefault(i);
        }
        return (x, y);
    }

    private static LinearModel Model(Vector<double> weights, double bias) => new([.. weights.Select(weight => (float)weight)], bias);
}
