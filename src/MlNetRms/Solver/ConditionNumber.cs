using System.Numerics;
using System.Runtime.CompilerServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>The condition number of the dense columns where nothing else asks for their eigenvalues.</summary>
internal static class ConditionNumber
{
    /// <summary>Each brings the estimate nearer; a few are enough to know the size of the number.</summary>
    private const int Iterations = 8;

    /// <summary>
    /// √(largest / smallest eigenvalue of the covariance), by power and inverse iteration, from below; of columns that depend on others
    /// as many are left out. For 512 columns it takes a tenth of the time of the eigenvalues.
    /// </summary>
    public static double Estimate(Covariance covariance)
    {
        var factor = new PivotedCholesky(covariance.ToArray(), covariance.ColumnCount, Whitening.SmallestShare);
        return factor.Rank < 2 ? 1 : Math.Sqrt(Growth(factor.Rank, x => factor.Multiply(x)) * Growth(factor.Rank, x => factor.Solve(x)));
    }

    /// <summary>By how much a vector grows in the end when it is multiplied again and again: the largest eigenvalue.</summary>
    private static double Growth(int length, Action<double[]> multiply)
    {
        double[] x = [.. Enumerable.Range(0, length).Select(i => Math.Sin(1 + (double)i * i))];        // along no direction in particular
        double growth = 1;
        for (int i = 0; i <= Iterations; i++)
        {
            multiply(x);
            growth = Math.Sqrt(x.Sum(value => value * value));
            for (int k = 0; k < length; k++)
                x[k] /= growth;
        }
        return growth;
    }
}

/// <summary>
/// P·C·Pᵀ = L·Lᵀ of a positive semidefinite matrix C, the next row being the one with the most left to explain; it ends where the rest is
/// rounding, so that rows that depend on others stay outside.
/// </summary>
internal sealed class PivotedCholesky
{
    private readonly int _order;
    private readonly double[] _matrix;

    /// <param name="matrix">C, row by row; becomes L in its lower triangle.</param>
    /// <param name="order">Its number of rows.</param>
    /// <param name="smallestShare">What is left of a row counts as rounding below this share of the largest diagonal element.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public PivotedCholesky(double[] matrix, int order, double smallestShare)
    {
        _order = order;
        _matrix = matrix;
        var left = new double[order];
        for (int i = 0; i < order; i++)
            left[i] = matrix[i * order + i];
        double least = smallestShare * left.Max();
        for (; Rank < order; Rank++)
        {
            int pivot = Rank + Array.IndexOf(left[Rank..], left[Rank..].Max());
            if (!(left[pivot] > least))
                return;
            Exchange(Rank, pivot);
            (left[Rank], left[pivot]) = (left[pivot], left[Rank]);
            double root = Math.Sqrt(left[Rank]);
            ReadOnlySpan<double> row = Row(Rank)[..Rank];
            Row(Rank)[Rank] = root;
            for (int i = Rank + 1; i < order; i++)
            {
                Span<double> other = Row(i);
                other[Rank] = (other[Rank] - Dot(row, other)) / root;
                left[i] -= other[Rank] * other[Rank];
            }
        }
    }

    /// <summary>Rows that do not depend on others.</summary>
    public int Rank { get; }

    /// <summary>x ← L·Lᵀ·x over the rows that do not depend on others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(Span<double> x)
    {
        for (int i = 0; i < Rank; i++)
        {
            double factor = x[i];
            x[i] = 0;
            AddScaled(x, factor, Row(i)[..(i + 1)]);
        }
        for (int i = Rank - 1; i >= 0; i--)
            x[i] = Dot(Row(i)[..(i + 1)], x);
    }

    /// <summary>x ← (L·Lᵀ)⁻¹·x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Solve(Span<double> x)
    {
        for (int i = 0; i < Rank; i++)
            x[i] = (x[i] - Dot(Row(i)[..i], x)) / Row(i)[i];
        for (int i = Rank - 1; i >= 0; i--)
        {
            x[i] /= Row(i)[i];
            AddScaled(x, -x[i], Row(i)[..i]);
        }
    }

    private Span<double> Row(int row) => _matrix.AsSpan(row * _order, _order);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Exchange(int row, int other)
    {
        for (int i = 0; i < _order && row != other; i++)
            (Row(row)[i], Row(other)[i]) = (Row(other)[i], Row(row)[i]);
        for (int i = 0; i < _order && row != other; i++)
            (Row(i)[row], Row(i)[other]) = (Row(i)[other], Row(i)[row]);
    }

    /// <summary>x ← x + factor·y, over the length of y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddScaled(Span<double> x, double factor, ReadOnlySpan<double> y)
    {
        for (int i = 0; i < y.Length; i++)
            x[i] += factor * y[i];
    }

    /// <summary>Over the length of <paramref name="x"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        int lanes = Vector<double>.Count;
        Vector<double> sums = default;
        int i = 0;
        for (; i <= x.Length - lanes; i += lanes)
            sums += new Vector<double>(x[i..]) * new Vector<double>(y[i..]);
        double sum = Vector.Sum(sums);
        for (; i < x.Length; i++)
            sum += x[i] * y[i];
        return sum;
    }
}
