namespace MlNetRms.Tests.Oracles;

/// <summary>Least squares in exact fractions, by the normal equations.</summary>
internal sealed class ExactLeastSquares
{
    /// <param name="terms">The terms of each row; their columns are independent.</param>
    /// <param name="labels">The labels.</param>
    public ExactLeastSquares(Rational[][] terms, Rational[] labels)
    {
        int count = terms[0].Length;
        Rational[][] products = [.. Enumerable.Range(0, count).Select(i => (Rational[])
        [
            .. Enumerable.Range(0, count).Select(j => Sum(terms.Select(row => row[i] * row[j]))),
            Sum(terms.Zip(labels, (row, label) => row[i] * label)),
            .. Enumerable.Range(0, count).Select(j => i == j ? Rational.One : Rational.Zero),
        ])];
        Solve(products);
        Rational[] coefficients = [.. products.Select(row => row[count])];
        Rational residual = Sum(terms.Zip(labels, (row, label) =>
        {
            Rational difference = label - Sum(row.Zip(coefficients, (term, coefficient) => term * coefficient));
            return difference * difference;
        }));
        Coefficients = Array.ConvertAll(coefficients, coefficient => coefficient.ToDouble());
        SumOfSquares = residual.ToDouble();
        Deviation = Math.Sqrt(SumOfSquares / (labels.Length - count));
        StandardErrors = [.. products.Select((row, i) => Deviation * Math.Sqrt(row[count + 1 + i].ToDouble()))];
    }

    public double[] Coefficients { get; }

    public double[] StandardErrors { get; }

    public double Deviation { get; }

    /// <summary>Sum of the squared residuals.</summary>
    public double SumOfSquares { get; }

    /// <summary>Gauss and Jordan's elimination of the first columns.</summary>
    private static void Solve(Rational[][] equations)
    {
        for (int i = 0; i < equations.Length; i++)
        {
            Rational pivot = equations[i][i];        // not 0, because the matrix is positive definite
            equations[i] = Array.ConvertAll(equations[i], value => value / pivot);
            for (int row = 0; row < equations.Length; row++)
            {
                Rational factor = equations[row][i];
                if (row != i && !factor.IsZero)
                    equations[row] = [.. equations[row].Zip(equations[i], (value, other) => value - factor * other)];
            }
        }
    }

    private static Rational Sum(IEnumerable<Rational> values) => values.Aggregate(Rational.Zero, (sum, value) => sum + value);
}
