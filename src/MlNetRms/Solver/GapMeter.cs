using System.Numerics.Tensors;
using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// Measures by how much the objective (mean loss and penalties, over all rows) of some weights is above its minimum.
/// </summary>
/// <remarks>
/// <para>
/// With the gradient g and the Hessian H at the weights, a quadratic objective is ½·gᵀH⁻¹g above its minimum. If the covariance of all rows is known,
/// so is H⁻¹. Otherwise conjugate gradients solve H·p = g step by step, each with one pass over the rows: after k steps ½·Σ αᵢ·‖rᵢ‖² is a lower bound
/// of ½·gᵀH⁻¹g, the best in the directions seen so far (Hestenes and Stiefel 1952, theorem 6:1; Golub and Meurant 2010, §12). It rises quickly,
/// because weights that were trained badly are so in few directions. For other losses than the squared one, what counts is how much the objective
/// really falls along p.
/// </para>
/// <para>
/// With an L1 penalty and the squared loss it is the duality gap, an upper bound (Fercoq, Gramfort and Salmon 2015, for the lasso; with λ the same
/// holds for rows extended by √λ·I). Weights at a bound that would become negative are left out.
/// </para>
/// </remarks>
internal sealed class GapMeter(
    RowSet rows, RowPasses passes, StandardizedLoss loss, PenaltySettings penalties, float l2, bool centersResiduals)
{
    /// <summary>A bound that still rises by a larger share per step is not believed.</summary>
    private const double SettledShare = 0.1;
    private const int SmallSteps = 2;

    /// <summary>The fractions of a step at which the objective is evaluated.</summary>
    private static readonly double[] _fractions = [0.015625, 0.0625, 0.25, 0.5, 1, 2];

    private readonly double[] _rounding = rows.Shards[0].RoundingVariances();

    private RowLayout Layout => passes.Layout;

    /// <summary>Measures the gap.</summary>
    /// <param name="byColumn">Weights of all columns, then the bias, in the units of training.</param>
    /// <param name="coordinates">Those in which the weights were trained, which tell roughly what H⁻¹ is.</param>
    /// <param name="mostSteps">Most steps of conjugate gradients.</param>
    public Gap Measure(double[] byColumn, Coordinates coordinates, int mostSteps)
    {
        double rounding = 0;
        for (int column = 0; column < Layout.ColumnCount; column++)
            rounding += byColumn[column] * byColumn[column] * _rounding[Layout.NumberInOrder(column)];
        return MeasureFrom(byColumn, coordinates, mostSteps) with { Rounding = rounding };
    }

    private Gap MeasureFrom(double[] byColumn, Coordinates coordinates, int mostSteps)
    {
        double[] parameters = Arranged(byColumn);
        RowSums sums = passes.Gradient(parameters);
        double[] gradient = sums.Gradient;
        double[] ofLoss = [.. gradient];
        double squares = 0, sizes = 0;
        foreach (Range range in Layout.Weights)
        {
            ReadOnlySpan<double> weights = Weights(parameters, range);
            TensorPrimitives.MultiplyAdd(weights, l2, Weights(gradient, range), Weights(gradient, range));
            squares += TensorPrimitives.SumOfSquares(weights);
            sizes += TensorPrimitives.SumOfMagnitudes(weights);
        }
        double objective = sums.Loss + 0.5 * l2 * squares + penalties.L1 * sizes;
        if (penalties.L1 > 0)
        {
            double? value = loss.IsSquared && centersResiduals ? DualityGap(parameters, ofLoss, gradient, sums.Loss, squares, sizes) : null;
            return new Gap(value, GapMethod.Duality, IsSettled: true, objective, Norm(Subgradient(parameters, gradient)));
        }
        bool[]? isFixed = penalties.NonNegativeWeights ? Fixed(parameters, gradient) : null;
        Clear(gradient, isFixed);
        double norm = Norm(gradient);
        if (loss.IsSquared && isFixed is null && coordinates.IsExactInverse)
        {
            double[] step = coordinates.Precondition(gradient);
            double value = 0.5 * TensorPrimitives.Dot<double>(gradient, step);
            return new Gap(value, GapMethod.Covariance, IsSettled: true, objective, norm) { Step = Layout.ByColumn<double>(step) };
        }
        return Iterate(parameters, gradient, isFixed, coordinates, mostSteps, sums.MeanSize, objective, norm);
    }

    /// <summary>Multiplies vectors by the objective's Hessian.</summary>
    /// <param name="by">Passes over the rows that represent all.</param>
    /// <param name="byColumn">The weights at which it is taken, by column, the bias last.</param>
    /// <param name="width">See <see cref="RowPasses.Curvature"/>.</param>
    public Func<double[], double[]> Hessian(RowPasses by, double[] byColumn, double width)
    {
        double[] parameters = Arranged(byColumn);
        return vector => WithPenalty(vector, by.Curvature(parameters, vector, width).Product);
    }

    private double[] WithPenalty(double[] vector, double[] curved)
    {
        foreach (Range range in Layout.Weights)
            TensorPrimitives.MultiplyAdd(Weights(vector, range), l2, Weights(curved, range), Weights(curved, range));
        return curved;
    }

    private double[] Arranged(double[] byColumn)
    {
        var parameters = new double[Layout.Length];
        Layout.Arrange<double>(byColumn, parameters);
        parameters[Layout.LabelLane] = -1;
        return parameters;
    }

    private Gap Iterate(double[] parameters, double[] gradient, bool[]? isFixed, Coordinates coordinates, int mostSteps, double meanResidual,
        double objective, double norm)
    {
        double width = meanResidual * Math.Pow(rows.RowCount, -0.2);
        double[] rest = [.. gradient];
        double[] scaled = Preconditioned(rest, isFixed, coordinates);
        double[] direction = [.. scaled];
        var step = new double[rest.Length];
        double bound = 0;
        double product = TensorPrimitives.Dot<double>(rest, scaled);
        bool isSettled = !(product > 0);
        int smallSteps = 0;
        for (int k = 0; k < mostSteps && !isSettled; k++)
        {
            (double[] curved, bool isConvex) = passes.Curvature(parameters, direction, width);
            if (!isConvex)
                return new Gap(Value: null, GapMethod.ConjugateGradients, IsSettled: true, objective, norm);
            Clear(WithPenalty(direction, curved), isFixed);
            double curvature = TensorPrimitives.Dot<double>(direction, curved);
            if (!(curvature > 0))
                break;
            double length = product / curvature;
            double added = 0.5 * length * product;
            bound += added;
            TensorPrimitives.MultiplyAdd(direction, length, step, step);
            TensorPrimitives.MultiplyAdd(curved, -length, rest, rest);
            scaled = Preconditioned(rest, isFixed, coordinates);
            double next = TensorPrimitives.Dot<double>(rest, scaled);
            // One small step can come before a large one, where a direction with little curvature is found.
            smallSteps = added <= SettledShare * bound ? smallSteps + 1 : 0;
            isSettled = smallSteps == SmallSteps || !(next > 0);
            TensorPrimitives.MultiplyAdd(direction, next / product, scaled, direction);
            product = next;
        }
        if (!loss.IsSquared)
            bound = LargestFall(parameters, step, objective);
        return new Gap(bound, GapMethod.ConjugateGradients, isSettled, objective, norm)
        {
            Step = Layout.ByColumn<double>(step),
            Gradient = Layout.ByColumn<double>(gradient),
            Width = width,
        };
    }

    /// <summary>How much the objective falls at most along a step, at some fractions of it.</summary>
    private double LargestFall(double[] parameters, double[] step, double objective)
    {
        double[] losses = passes.Losses(parameters, step, _fractions);
        double fall = 0;
        for (int k = 0; k < losses.Length; k++)
        {
            double there = losses[k];
            foreach (Range range in Layout.Weights)
            {
                ReadOnlySpan<double> from = Weights(parameters, range);
                ReadOnlySpan<double> by = Weights(step, range);
                for (int i = 0; i < from.Length; i++)
                    there += 0.5 * l2 * Math.Pow(from[i] - _fractions[k] * by[i], 2);
            }
            fall = Math.Max(fall, objective - there);
        }
        return fall;
    }

    /// <summary>The difference of the primal objective and a feasible dual one.</summary>
    /// <param name="parameters">The weights.</param>
    /// <param name="ofLoss">The gradient of the loss alone.</param>
    /// <param name="gradient">The same with the L2 penalty.</param>
    /// <param name="lossValue">The mean loss.</param>
    /// <param name="squares">Σ w².</param>
    /// <param name="sizes">Σ |w|.</param>
    private double DualityGap(double[] parameters, double[] ofLoss, double[] gradient, double lossValue, double squares, double sizes)
    {
        double largest = 0;
        double predicted = parameters[Layout.BiasLane] * ofLoss[Layout.BiasLane];
        foreach (Range range in Layout.Weights)
        {
            ReadOnlySpan<double> slopes = Weights(gradient, range);
            foreach (double slope in slopes)
                largest = Math.Max(largest, penalties.NonNegativeWeights ? -slope : Math.Abs(slope));
            predicted += TensorPrimitives.Dot(Weights(parameters, range), Weights(ofLoss, range));
        }
        // The residuals times this factor satisfy the constraints of the dual problem.
        double factor = largest > penalties.L1 ? penalties.L1 / largest : 1;
        double residualByLabel = 2 * lossValue - predicted;
        return (1 + factor * factor) * (lossValue + 0.5 * l2 * squares) + penalties.L1 * sizes - factor * residualByLabel;
    }

    /// <summary>The smallest subgradient of the objective with an L1 penalty.</summary>
    private double[] Subgradient(double[] parameters, double[] gradient)
    {
        double[] smallest = [.. gradient];
        foreach (Range range in Layout.Weights)
        {
            ReadOnlySpan<double> weights = Weights(parameters, range);
            Span<double> slopes = Weights(smallest, range);
            for (int i = 0; i < weights.Length; i++)
            {
                slopes[i] = weights[i] != 0 ? slopes[i] + Math.Sign(weights[i]) * penalties.L1
                    : penalties.NonNegativeWeights ? Math.Min(slopes[i] + penalties.L1, 0)
                    : Math.Sign(slopes[i]) * Math.Max(Math.Abs(slopes[i]) - penalties.L1, 0);
            }
        }
        return smallest;
    }

    /// <summary>Which weights are at the bound and would go beyond it.</summary>
    private bool[] Fixed(double[] parameters, double[] gradient)
    {
        var isFixed = new bool[Layout.Length];
        foreach (Range range in Layout.Weights)
        {
            (int first, int count) = range.GetOffsetAndLength(Layout.Length);
            for (int i = first; i < first + count; i++)
                isFixed[i] = parameters[i] <= 0 && gradient[i] >= 0;
        }
        return isFixed;
    }

    private static double[] Preconditioned(double[] vector, bool[]? isFixed, Coordinates coordinates)
    {
        double[] product = coordinates.Precondition(vector);
        Clear(product, isFixed);
        return product;
    }

    private static void Clear(double[] vector, bool[]? isFixed)
    {
        for (int i = 0; isFixed is not null && i < vector.Length; i++)
        {
            if (isFixed[i])
                vector[i] = 0;
        }
    }

    private static Span<double> Weights(double[] vector, Range range) => vector.AsSpan(range);

    private static double Norm(double[] vector) => TensorPrimitives.Norm<double>(vector);
}

/// <summary>How far an objective is above its minimum, in the units of training.</summary>
/// <param name="Value">The gap; null if it cannot be measured.</param>
/// <param name="Method">How it was measured.</param>
/// <param name="IsSettled">Whether more steps would hardly have changed it.</param>
/// <param name="Objective">The objective.</param>
/// <param name="GradientNorm">Norm of its gradient, over the weights that are free to change.</param>
internal sealed record Gap(double? Value, GapMethod Method, bool IsSettled, double Objective, double GradientNorm)
{
    /// <summary>What to subtract from the weights to be near the minimum, by column, the bias last; null if not known.</summary>
    public double[]? Step { get; init; }

    /// <summary>The gradient, by column, the bias last, if the gap was measured by conjugate gradients.</summary>
    public double[]? Gradient { get; init; }

    /// <summary>See <see cref="RowPasses.Curvature"/>.</summary>
    public double Width { get; init; }

    /// <summary>Mean square of what rounding weights and values to float changes in a prediction.</summary>
    public double Rounding { get; init; }

    /// <summary>
    /// For the squared loss, by how much the root of the objective, RMSE if there are no penalties, exceeds its minimum, as a share of that; for
    /// another loss, the gap as a share of the least objective. If rounding to float costs more than that minimum, it is a share of the cost. Null if
    /// the gap is not known.
    /// </summary>
    /// <param name="isSquared">Whether the loss is the squared one.</param>
    public double? Share(bool isSquared)
    {
        if (Value is not { } gap)
            return null;
        double least = Math.Max(Objective - gap, isSquared ? 0.5 * Rounding : Math.Sqrt(Rounding));
        if (least == 0)
            return gap > 0 ? double.PositiveInfinity : 0;
        return isSquared ? (Math.Sqrt(Math.Max(Objective, least)) - Math.Sqrt(least)) / Math.Sqrt(least) : gap / least;
    }
}

/// <summary>How an optimality gap is measured.</summary>
internal enum GapMethod
{
    /// <summary>½·gᵀH⁻¹g with the covariance of all rows.</summary>
    Covariance,

    /// <summary>A lower bound by conjugate gradients.</summary>
    ConjugateGradients,

    /// <summary>The duality gap.</summary>
    Duality,
}
