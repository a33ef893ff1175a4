using System.Numerics;
using System.Numerics.Tensors;
using MathNet.Numerics.Providers.LinearAlgebra;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// A few directions in which the objective's curvature is far from that of single coordinates, found where a training has ended, and a change of
/// coordinates that gives them a usual one: M = I + A·Bᵀ with A = D⁻½·V·diag(s − 1), B = D½·V, orthonormal V, and the curvatures D of the
/// coordinates. Immutable.
/// </summary>
/// <remarks>
/// V holds Ritz vectors of D⁻½·H·D⁻½ from the Krylov space of the scaled gradient (Lanczos 1950), with full orthogonalization: directions with little
/// curvature and a large gradient, which steps by coordinate hardly reach, and directions with much curvature, which make every row long. A step
/// costs two products with V.
/// </remarks>
internal sealed class FoundDirections
{
    /// <summary>Directions whose curvature differs less from that of a coordinate need no help.</summary>
    private const double UsualRatio = 2;

    /// <summary>A smaller curvature, as a share of a coordinate's, is rounding.</summary>
    private const double SmallestCurvature = 1e-9;

    private readonly int _length;
    private readonly float[][] _a;
    private readonly float[][] _b;
    private readonly double[][] _basis;
    private readonly double[][] _images;
    private readonly double[] _inverseDiagonal;

    private FoundDirections(double[][] basis, double[][] images, double[] inverseDiagonal)
    {
        _basis = basis;
        _images = images;
        _length = inverseDiagonal.Length;
        _inverseDiagonal = inverseDiagonal;
        double[] roots = Array.ConvertAll(inverseDiagonal, Math.Sqrt);
        int count = basis.Length;
        var projected = new double[count * count];
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < count; j++)
                projected[i * count + j] = 0.5 * (Product(i, j) + Product(j, i));
        }
        var vectors = new double[count * count];
        var values = new Complex[count];
        ManagedLinearAlgebraProvider.Instance.EigenDecomp(isSymmetric: true, count, projected, vectors, values, new double[count * count]);
        var a = new List<float[]>();
        var b = new List<float[]>();
        for (int k = 0; k < count; k++)
        {
            double curvature = values[k].Real;
            if (curvature < SmallestCurvature || (curvature > 1 / UsualRatio && curvature < UsualRatio))
                continue;
            var vector = new double[_length];
            for (int i = 0; i < count; i++)
                TensorPrimitives.MultiplyAdd(basis[i], vectors[k * count + i], vector, vector);
            double size = 0;
            for (int i = 0; i < _length; i++)
                size += roots[i] > 0 ? Math.Pow(vector[i] / roots[i], 2) : 0;
            // A step in every coordinate then moves by about η along the direction, in units of the predictions' deviation.
            double scale = 1 / Math.Sqrt(curvature * size);
            RowNormChange += 1 - curvature * size;
            a.Add([.. vector.Select((value, i) => (float)(value * roots[i] * (scale - 1)))]);
            b.Add([.. vector.Select((value, i) => roots[i] > 0 ? (float)(value / roots[i]) : 0)]);
            Scales.Add(scale);
        }
        (_a, _b) = ([.. a], [.. b]);

        double Product(int i, int j) => TensorPrimitives.Dot<double>(basis[i], images[j]);
    }

    /// <summary>s of each direction.</summary>
    private List<double> Scales { get; } = [];

    /// <summary>Their number.</summary>
    public int Count => _a.Length;

    /// <summary>What they add to the mean squared length of a row.</summary>
    public double RowNormChange { get; }

    /// <summary>Finds directions, beside those found before.</summary>
    /// <param name="gradient">The gradient in the coordinates in which curvatures are 1.</param>
    /// <param name="curvature">Multiplies a vector in these coordinates by the Hessian.</param>
    /// <param name="inverseDiagonal">Inverse curvatures of the coordinates that are stepped.</param>
    /// <param name="steps">Products with the Hessian.</param>
    /// <param name="before">Directions found before; null for none.</param>
    public static FoundDirections Find(
        double[] gradient, Func<double[], double[]> curvature, double[] inverseDiagonal, int steps, FoundDirections? before)
    {
        var basis = new List<double[]>(before?._basis ?? []);
        var images = new List<double[]>(before?._images ?? []);
        double[] next = gradient;
        for (int k = 0; k < steps; k++)
        {
            double length = TensorPrimitives.Norm<double>(next);
            double[] vector = [.. next];
            // Twice, because once leaves rounding errors.
            for (int time = 0; time < 2; time++)
            {
                foreach (double[] other in basis)
                    TensorPrimitives.MultiplyAdd(other, -TensorPrimitives.Dot<double>(vector, other), vector, vector);
            }
            double rest = TensorPrimitives.Norm<double>(vector);
            if (!(rest > SmallestCurvature * length))
                break;
            TensorPrimitives.Divide(vector, rest, vector);
            double[] image = curvature(vector);
            basis.Add(vector);
            images.Add(image);
            next = image;
        }
        return new FoundDirections([.. basis], [.. images], inverseDiagonal);
    }

    /// <summary>Writes directions to a file, or reads some.</summary>
    /// <exception cref="FormatException">The content is not consistent.</exception>
    public static FoundDirections Exchange(Archive file, FoundDirections? written, RowLayout layout)
    {
        double[] inverseDiagonal = file.Array(written?._inverseDiagonal, layout.Length);
        int count = file.Value(written?._basis.Length);
        if (count is < 0 or > Decisions.MostRounds * Decisions.FoundDirections)
            throw new FormatException();
        double[][] basis = [.. Enumerable.Range(0, count).Select(k => file.Array(written?._basis[k], layout.Length))];
        double[][] images = [.. Enumerable.Range(0, count).Select(k => file.Array(written?._images[k], layout.Length))];
        if (Array.Exists(inverseDiagonal, value => !(value >= 0)))
            throw new FormatException();
        return written ?? new FoundDirections(basis, images, inverseDiagonal);
    }

    /// <summary>The same directions of columns that are laid out in another way.</summary>
    public FoundDirections With(RowLayout from, RowLayout to)
    {
        return new([.. _basis.Select(Arranged)], [.. _images.Select(Arranged)], Arranged(_inverseDiagonal));

        double[] Arranged(double[] byPosition)
        {
            var arranged = new double[to.Length];
            to.Arrange<double>(from.ByColumn<double>(byPosition), arranged);
            return arranged;
        }
    }

    /// <summary>x ← M·x.</summary>
    public void Multiply(Span<float> vector) => Add(vector, _b, _a);

    /// <summary>x ← Mᵀ·x.</summary>
    public void MultiplyTransposed(Span<float> vector) => Add(vector, _a, _b);

    /// <inheritdoc cref="Multiply(Span{float})"/>
    public void Multiply(Span<double> vector) => Add(vector, _b, _a, scale => 1);

    /// <inheritdoc cref="MultiplyTransposed(Span{float})"/>
    public void MultiplyTransposed(Span<double> vector) => Add(vector, _a, _b, scale => 1);

    /// <summary>x ← M⁻¹·x.</summary>
    public void Divide(Span<double> vector) => Add(vector, _b, _a, scale => -1 / scale);

    private static void Add(Span<float> vector, float[][] along, float[][] by)
    {
        Span<float> products = stackalloc float[along.Length];
        for (int k = 0; k < along.Length; k++)
            products[k] = TensorPrimitives.Dot(vector, along[k].AsSpan(0, vector.Length));
        for (int k = 0; k < along.Length; k++)
            TensorPrimitives.MultiplyAdd(by[k].AsSpan(0, vector.Length), products[k], vector, vector);
    }

    private void Add(Span<double> vector, float[][] along, float[][] by, Func<double, double> factor)
    {
        var products = new double[along.Length];
        for (int k = 0; k < along.Length; k++)
        {
            for (int i = 0; i < vector.Length; i++)
                products[k] += vector[i] * along[k][i];
            products[k] *= factor(Scales[k]);
        }
        for (int k = 0; k < along.Length; k++)
        {
            for (int i = 0; i < vector.Length; i++)
                vector[i] += products[k] * by[k][i];
        }
    }
}
