using System.Numerics.Tensors;
using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>The coordinates in which the weights are stepped, and what is known from the covariance of the columns.</summary>
internal sealed class Coordinates
{
    private readonly RowLayout _layout;
    private readonly double[] _inverseDiagonal;

    private Coordinates(TrainingRows rows, float l2, CoordinateTransform? whitening, bool areThoseOfBefore = false)
    {
        Scaling scaling = rows.Scaling;
        _layout = rows.Layout;
        Whitening = whitening;
        AreThoseOfBefore = areThoseOfBefore;
        RowNorm = whitening?.RowNorm(scaling.RowNorm - scaling.SparseRowNorm, scaling.SparseRowNorm) ?? scaling.RowNorm;
        IsExactInverse = IsOfAllColumns && whitening is { Whitening.IsOfAllRows: true, Found: null } && !areThoseOfBefore;
        _inverseDiagonal = new double[_layout.Length];
        _inverseDiagonal[_layout.BiasLane] = 1;
        for (int column = 0; column < _layout.ColumnCount; column++)
        {
            double curvature = scaling.ScaledMeanSquare(column) + l2;
            _inverseDiagonal[_layout.Position(column)] = curvature > 0 ? 1 / curvature : 0;
        }
    }

    /// <summary>Whether the state of the previous training still holds: its units and its coordinates fit these rows.</summary>
    public bool AreThoseOfBefore { get; }

    /// <summary>Converts the coordinates to weights; null if they are the same.</summary>
    public CoordinateTransform? Whitening { get; }

    /// <summary>Whether all columns are whitened.</summary>
    public bool IsOfAllColumns => Whitening is { AreAllWhitened: true };

    /// <summary>Condition number of the whitened columns; null if unknown.</summary>
    public double? ConditionNumber => (Whitening?.Whitening as Whitening)?.ConditionNumber;

    /// <summary>Mean squared length of a row in these coordinates, sparse columns included.</summary>
    public double RowNorm { get; }

    /// <summary>Whether <see cref="Precondition"/> is the inverse of the squared loss's Hessian over these rows.</summary>
    public bool IsExactInverse { get; }

    /// <summary>The coordinates in which a training begins.</summary>
    /// <param name="settings">All settings.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="l2">λ as it takes effect.</param>
    /// <param name="previous">The training that is continued, or null.</param>
    /// <param name="cancellation">Ends the passes over the rows.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static Coordinates Begin(TrainingSettings settings, TrainingRows rows, float l2, TrainingState? previous, CancellationToken cancellation)
    {
        RowLayout layout = rows.Layout;
        bool all = Decisions.WhitensAll(settings, layout.DenseCount, layout.SparseCount);
        bool whitens = all || Decisions.WhitensDense(settings, layout.DenseCount);
        CoordinateTransform? before = previous?.Parameters.Whitening;
        if (previous is not null && !rows.Scaling.HasNewUnits && before is null && !whitens)
            return new Coordinates(rows, l2, whitening: null, areThoseOfBefore: true);
        if (!whitens)
            return new Coordinates(rows, l2, whitening: null);
        double[] means = Means(rows, all ? layout.ColumnCount : layout.DenseCount);
        Covariance covariance = all && layout.SparseCount > 0
            ? Covariance.OfAll(rows.Training, means, settings.Plan.Seed, cancellation) : Covariance.OfDense(rows.Training, cancellation);
        if (before is not null && !rows.Scaling.HasNewUnits && before.Whitening is Whitening known && known.ColumnCount == covariance.ColumnCount
            && known.Fits(covariance, cancellation))
            return new Coordinates(rows, l2, new CoordinateTransform(layout, known, means), areThoseOfBefore: true);
        var whitening = new Whitening(covariance, l2, cancellation);
        // A sample can miss that few rows tell two columns apart; a sketch does not.
        if (whitening is { DroppedCount: > 0, IsOfAllRows: false } && layout.SparseCount == 0)
            whitening = new Whitening(Covariance.OfAll(rows.Training, means, settings.Plan.Seed, cancellation), l2, cancellation);
        return new Coordinates(rows, l2, new CoordinateTransform(layout, whitening, means));
    }

    /// <summary>Coordinates in which all columns are uncorrelated.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static Coordinates OfAllColumns(TrainingRows rows, float l2, int seed, CancellationToken cancellation)
    {
        double[] means = Means(rows, rows.Layout.ColumnCount);
        var covariance = Covariance.OfAll(rows.Training, means, seed, cancellation);
        return new Coordinates(rows, l2, new CoordinateTransform(rows.Layout, new CholeskyWhitening(covariance, l2, cancellation), means));
    }

    /// <summary>These coordinates with directions in which training has not come near enough to the optimum.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="l2">λ.</param>
    /// <param name="gradient">The gradient of the objective where training has ended, by column, the bias last.</param>
    /// <param name="curvature">Multiplies a vector of parameters by the Hessian.</param>
    /// <param name="before">The coordinates with the directions found before; null for none.</param>
    public Coordinates WithDirections(
        TrainingRows rows, float l2, double[] gradient, Func<double[], double[]> curvature, Coordinates? before)
    {
        var byPosition = new double[_layout.Length];
        _layout.Arrange<double>(gradient, byPosition);
        var found = FoundDirections.Find(UnitGradient(byPosition), vector => UnitGradient(curvature(Unit(vector))), StepCurvatures(),
            Decisions.FoundDirections, before?.Whitening?.Found);
        CoordinateTransform transform = Whitening?.With(found) ?? new CoordinateTransform(_layout, whitening: null, [], found);
        return new Coordinates(rows, l2, transform);
    }

    /// <summary>Inverse curvatures of the coordinates that are stepped: 1 where they are whitened.</summary>
    private double[] StepCurvatures()
    {
        double[] inverse = [.. _inverseDiagonal];
        for (int i = 0; Whitening?.Whitening is not null && i < inverse.Length; i++)
        {
            if (i < _layout.DenseCount || IsOfAllColumns)
                inverse[i] = 1;
        }
        return inverse;
    }

    /// <summary>Coordinates that were saved in the middle of a training.</summary>
    public static Coordinates Restore(TrainingRows rows, float l2, CoordinateTransform? whitening) => new(rows, l2, whitening?.With(rows.Layout));

    /// <summary>
    /// Parameters from coordinates in which all columns have variance 1: whitened ones or, for columns that are not whitened, weights times the root
    /// mean square of their values.
    /// </summary>
    public double[] Unit(double[] coordinates)
    {
        double[] scaled = Scaled(coordinates);
        return Whitening?.ToParameters(scaled) ?? scaled;
    }

    /// <summary>The gradient, or a row, in the coordinates of <see cref="Unit"/>.</summary>
    public double[] UnitGradient(double[] gradient) => Scaled(Whitening?.ToGradient(gradient) ?? gradient);

    private double[] Scaled(double[] vector)
    {
        double[] scaled = [.. vector];
        for (int i = Whitening?.Whitening is null ? 0 : _layout.DenseCount; !IsOfAllColumns && i < scaled.Length; i++)
            scaled[i] *= Math.Sqrt(_inverseDiagonal[i]);
        return scaled;
    }

    /// <summary>Multiplies by what is known of the inverse of the squared loss's Hessian: M·Mᵀ of whitened columns, else its diagonal.</summary>
    /// <param name="vector">Laid out as the parameters are.</param>
    public double[] Precondition(double[] vector)
    {
        if (Whitening is null)
        {
            var scaled = new double[vector.Length];
            TensorPrimitives.Multiply(vector, _inverseDiagonal, scaled);
            return scaled;
        }
        double[] gradient = Whitening.ToGradient(vector);
        for (int i = Whitening.Whitening is null ? 0 : _layout.DenseLength; !IsOfAllColumns && i < gradient.Length; i++)
            gradient[i] *= _inverseDiagonal[i];
        return Whitening.ToParameters(gradient);
    }

    /// <summary>Means of the first columns in the units of training, in the order of their positions.</summary>
    private static double[] Means(TrainingRows rows, int count)
    {
        RowLayout layout = rows.Layout;
        var means = new double[layout.ColumnCount];
        for (int column = 0; column < layout.ColumnCount; column++)
            means[layout.NumberInOrder(column)] = rows.Scaling.ScaledMean(column);
        return means[..count];
    }
}
