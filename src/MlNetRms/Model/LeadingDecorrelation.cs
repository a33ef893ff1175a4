using MlNetRms.Checkpoints;
using MlNetRms.Data;
using MlNetRms.Kernels;

namespace MlNetRms.Model;

/// <summary>
/// Coordinates of dense columns too many to decorrelate all: only the few directions in which they vary far more than in the others are brought
/// to variance 1. A common factor of all columns no longer makes every row long and every step short.
/// </summary>
/// <remarks>M = I + V·diag(1/√variance − 1)·Vᵀ with orthonormal V, so that a step costs two products with the few rows of V.</remarks>
internal sealed class LeadingDecorrelation : IWeightTransform
{
    /// <summary>RMSProp copes with so much in other rows.</summary>
    private const double MostVarianceRatio = 4;

    private readonly LeadingDirections _leading;
    private readonly int _stride;
    private readonly float[] _matrix;
    private readonly double[] _scales;

    public LeadingDecorrelation(LeadingDirections leading)
    {
        _leading = leading;
        _stride = leading.Vectors[0].Length;
        _matrix = [.. leading.Vectors.SelectMany(vector => vector)];
        _scales = [.. leading.Variances.Select(variance => 1 / Math.Sqrt(variance))];
    }

    /// <summary>Directions that are scaled.</summary>
    public int DirectionCount => _scales.Length;

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static LeadingDecorrelation Read(CheckpointReader reader, int columns) => new(LeadingDirections.Read(reader, columns));

    /// <inheritdoc/>
    public void Write(BinaryWriter writer) => _leading.Write(writer);

    /// <inheritdoc/>
    public double Energy(double denseEnergy) => denseEnergy - _leading.Variances.Sum(variance => variance - 1);

    /// <summary>Whether other rows with these directions can be trained in these coordinates: as many stand out, and each of mine varies alike.</summary>
    public bool Fits(LeadingDirections? other) =>
        other is not null && other.Vectors.Count == DirectionCount && Enumerable.Range(0, DirectionCount).All(k =>
        {
            double ratio = VarianceAlong(_leading.Vectors[k], other) / _leading.Variances[k];
            return ratio is >= 1 / MostVarianceRatio and <= MostVarianceRatio;
        });

    /// <inheritdoc/>
    public void ToWeights(ReadOnlySpan<float> coordinates, Span<float> weights) => Multiply(coordinates[.._stride], weights[.._stride]);

    /// <inheritdoc/>
    public void ToCoordinateGradient(ReadOnlySpan<float> gradient, Span<float> coordinateGradient) =>
        Multiply(gradient[.._stride], coordinateGradient[.._stride]);

    /// <inheritdoc/>
    public void ToWeights(Span<double> coordinates)
    {
        for (int k = 0; k < DirectionCount; k++)
        {
            float[] vector = _leading.Vectors[k];
            double along = 0;
            for (int i = 0; i < coordinates.Length; i++)
                along += vector[i] * coordinates[i];
            for (int i = 0; i < coordinates.Length; i++)
                coordinates[i] += (_scales[k] - 1) * along * vector[i];
        }
    }

    /// <inheritdoc/>
    public void ToCoordinates(Span<float> weights)
    {
        for (int k = 0; k < DirectionCount; k++)
        {
            float[] vector = _leading.Vectors[k];
            double along = 0;
            for (int i = 0; i < weights.Length; i++)
                along += (double)vector[i] * weights[i];
            for (int i = 0; i < weights.Length; i++)
                weights[i] += (float)((1 / _scales[k] - 1) * along * vector[i]);
        }
    }

    /// <summary>M is symmetric: one product serves weights and gradients.</summary>
    private void Multiply(ReadOnlySpan<float> vector, Span<float> product)
    {
        Span<float> along = stackalloc float[DirectionCount];
        LinearKernels.Residuals(_matrix, vector, along);
        for (int k = 0; k < along.Length; k++)
            along[k] *= (float)(_scales[k] - 1);
        vector.CopyTo(product);
        LinearKernels.AddGradient(_matrix, along, product);
    }

    /// <summary>Of rows that vary alike in all directions but the leading ones.</summary>
    private static double VarianceAlong(float[] vector, LeadingDirections leading)
    {
        double variance = 1;
        for (int k = 0; k < leading.Vectors.Count; k++)
        {
            double along = vector.Zip(leading.Vectors[k], (x, y) => (double)x * y).Sum();
            variance += along * along * (leading.Variances[k] - 1);
        }
        return variance;
    }
}
