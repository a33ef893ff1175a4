namespace MlNetRms.Samples;

/// <summary>The linear function with the smallest squared error on some rows: what every linear trainer is looking for.</summary>
/// <param name="Weights">One a feature, in raw units.</param>
/// <param name="Bias">In label units.</param>
/// <param name="Rmse">Root mean squared error on those rows, in label units.</param>
internal sealed record LeastSquares(double[] Weights, double Bias, double Rmse)
{
    /// <summary>A pivot below this belongs to a column that depends on the ones before it; its weight is 0.</summary>
    private const double SmallestPivot = 1e-12;

    /// <summary>Solves the normal equations XᵀX·w = Xᵀy in double, on standardised columns, where they are well conditioned enough.</summary>
    public static LeastSquares Fit(IReadOnlyList<Airfoil> airfoils)
    {
        Standardized data = Standardized.From(airfoils);
        int features = Airfoil.FeatureNames.Length;
        double[] standardizedWeights = Solve(MeanProducts(data.Rows), features);

        double squares = data.Rows.Average(row => Math.Pow(row[features] - standardizedWeights.Zip(row, (w, x) => w * x).Sum(), 2));
        double labelDeviation = data.Deviation[features];
        double[] weights = [.. standardizedWeights.Select((weight, i) => weight * labelDeviation / data.Deviation[i])];
        double bias = data.Mean[features] - weights.Zip(data.Mean, (weight, mean) => weight * mean).Sum();
        return new(weights, bias, Math.Sqrt(squares) * labelDeviation);
    }

    /// <summary>The means of all products of two columns: XᵀX, and Xᵀy in the last column.</summary>
    private static double[,] MeanProducts(double[][] rows)
    {
        int columns = rows[0].Length;
        var products = new double[columns, columns];
        for (int i = 0; i < columns; i++)
            for (int j = 0; j < columns; j++)
                products[i, j] = rows.Average(row => row[i] * row[j]);
        return products;
    }

    /// <summary>Gauss's elimination; a positive definite matrix needs no exchange of rows.</summary>
    private static double[] Solve(double[,] equations, int unknowns)
    {
        for (int pivot = 0; pivot < unknowns; pivot++)
            for (int row = pivot + 1; row < unknowns && equations[pivot, pivot] > SmallestPivot; row++)
            {
                double factor = equations[row, pivot] / equations[pivot, pivot];
                for (int column = pivot; column <= unknowns; column++)
                    equations[row, column] -= factor * equations[pivot, column];
            }

        var solution = new double[unknowns];
        for (int row = unknowns - 1; row >= 0; row--)
        {
            double rest = equations[row, unknowns];
            for (int column = row + 1; column < unknowns; column++)
                rest -= equations[row, column] * solution[column];
            solution[row] = equations[row, row] > SmallestPivot ? rest / equations[row, row] : 0;
        }
        return solution;
    }
}
