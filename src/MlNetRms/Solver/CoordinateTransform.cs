using System.Numerics.Tensors;
using MlNetRms.Rows;
using MlNetRms.Saving;

namespace MlNetRms.Solver;

/// <summary>
/// From coordinates of all parameters to the parameters: whitened coordinates of the dense columns or of all, with a bias that counts as if these
/// columns were centred, u_b = b + Σ w·x̄, though their zeros are not stored; before that, directions found in training. Other parameters are their
/// own coordinates. Immutable.
/// </summary>
internal sealed class CoordinateTransform
{
    private const int MostOnStack = 2048;

    private readonly RowLayout _layout;
    private readonly float[] _means;
    private readonly bool _hasMeans;
    private readonly int _sparse;
    private readonly int _stride;

    /// <param name="layout">The columns.</param>
    /// <param name="whitening">The coordinates of the dense columns, or of all; null for none.</param>
    /// <param name="means">Means of these columns in the units of training, in the order of their positions.</param>
    /// <param name="found">Directions found in training, or null.</param>
    public CoordinateTransform(RowLayout layout, IWhitening? whitening, double[] means, FoundDirections? found = null)
    {
        _layout = layout;
        Whitening = whitening;
        Means = means;
        Found = found;
        _means = Array.ConvertAll(means, mean => (float)mean);
        _hasMeans = Array.Exists(_means, mean => mean != 0);
        _sparse = whitening is null ? 0 : whitening.ColumnCount - layout.DenseCount;
        _stride = RowLayout.WholeVectors(whitening?.ColumnCount ?? 0);
    }

    public IWhitening? Whitening { get; }

    /// <summary>Means of the whitened columns.</summary>
    public double[] Means { get; }

    /// <summary>Directions found in training.</summary>
    public FoundDirections? Found { get; }

    /// <summary>Whether all columns are whitened, not only the dense ones.</summary>
    public bool AreAllWhitened => Whitening?.ColumnCount == _layout.ColumnCount;

    /// <summary>Whether a coordinate can change the weights of sparse columns, so that each step changes all of them.</summary>
    public bool ChangesSparse => _sparse > 0 || (Found is not null && _layout.SparseCount > 0);

    /// <summary>Writes a transform to a file, or reads one.</summary>
    /// <exception cref="FormatException">The content is not consistent.</exception>
    public static CoordinateTransform Exchange(Archive file, CoordinateTransform? written, RowLayout layout)
    {
        double[] means = [];
        IWhitening? whitening = null;
        if (file.Flag(written?.Whitening is not null))
        {
            int columns = file.Flag(written?.AreAllWhitened) ? layout.ColumnCount : layout.DenseCount;
            if (columns == 0)
                throw new FormatException();
            means = file.Array(written?.Means, columns);
            whitening = file.Flag(written?.Whitening is CholeskyWhitening)
                ? CholeskyWhitening.Exchange(file, written?.Whitening as CholeskyWhitening, columns)
                : Solver.Whitening.Exchange(file, written?.Whitening as Whitening, columns);
        }
        FoundDirections? found = file.Optional(written?.Found, (same, directions) => FoundDirections.Exchange(same, directions, layout));
        return new CoordinateTransform(layout, whitening, means, found);
    }

    /// <summary>The same transform of columns that are laid out in another way.</summary>
    public CoordinateTransform With(RowLayout layout) => new(layout, Whitening, Means, Found?.With(_layout, layout));

    /// <summary>The same transform with other directions.</summary>
    public CoordinateTransform With(FoundDirections found) => new(_layout, Whitening, Means, found);

    /// <summary>Mean squared length of a row in these coordinates.</summary>
    /// <param name="denseNorm">The same of its dense columns as they are.</param>
    /// <param name="sparseNorm">The same of its sparse ones.</param>
    public double RowNorm(double denseNorm, double sparseNorm) =>
        (Whitening?.DirectionCount ?? denseNorm) + (_sparse > 0 ? 0 : sparseNorm) + (Found?.RowNormChange ?? 0);

    /// <summary>Parameters from coordinates; lanes without a parameter are copied.</summary>
    public void ToParameters(ReadOnlySpan<float> coordinates, Span<float> parameters)
    {
        coordinates.CopyTo(parameters);
        Found?.Multiply(parameters);
        if (Whitening is null)
            return;
        scoped Span<float> u = _stride <= MostOnStack ? stackalloc float[_stride] : new float[_stride];
        Gather<float>(parameters, u);
        if (_sparse == 0 && !_hasMeans)
        {
            Whitening.Multiply(u, parameters);
            return;
        }
        scoped Span<float> w = _stride <= MostOnStack ? stackalloc float[_stride] : new float[_stride];
        Whitening.Multiply(u, w);
        Scatter<float>(w, parameters);
        if (_hasMeans)
            parameters[_layout.BiasLane] -= TensorPrimitives.Dot(w[.._means.Length], _means);
    }

    /// <summary>The gradient in the coordinates from that of the parameters.</summary>
    public void ToGradient(ReadOnlySpan<float> gradient, Span<float> ofCoordinates)
    {
        gradient.CopyTo(ofCoordinates);
        if (Whitening is not null && _sparse == 0 && !_hasMeans)
            Whitening.MultiplyTransposed(gradient, ofCoordinates);
        else if (Whitening is not null)
        {
            scoped Span<float> g = _stride <= MostOnStack ? stackalloc float[_stride] : new float[_stride];
            scoped Span<float> product = _stride <= MostOnStack ? stackalloc float[_stride] : new float[_stride];
            Gather(gradient, g);
            if (_hasMeans)
                TensorPrimitives.MultiplyAdd(_means, -gradient[_layout.BiasLane], g[.._means.Length], g);
            Whitening.MultiplyTransposed(g, product);
            Scatter<float>(product, ofCoordinates);
        }
        Found?.MultiplyTransposed(ofCoordinates);
    }

    /// <inheritdoc cref="ToParameters(ReadOnlySpan{float}, Span{float})"/>
    public double[] ToParameters(ReadOnlySpan<double> coordinates)
    {
        double[] parameters = coordinates.ToArray();
        Found?.Multiply(parameters);
        if (Whitening is null)
            return parameters;
        double[] weights = Whitening.Multiply(Gathered(parameters));
        Scatter<double>(weights, parameters);
        parameters[_layout.BiasLane] -= TensorPrimitives.Dot<double>(weights, Means);
        return parameters;
    }

    /// <inheritdoc cref="ToGradient(ReadOnlySpan{float}, Span{float})"/>
    public double[] ToGradient(ReadOnlySpan<double> gradient)
    {
        double[] ofCoordinates = gradient.ToArray();
        if (Whitening is not null)
        {
            double[] ofWeights = Gathered(gradient);
            TensorPrimitives.MultiplyAdd(Means, -gradient[_layout.BiasLane], ofWeights, ofWeights);
            Scatter<double>(Whitening.MultiplyTransposed(ofWeights), ofCoordinates);
        }
        Found?.MultiplyTransposed(ofCoordinates);
        return ofCoordinates;
    }

    /// <summary>Coordinates with the predictions of given parameters, except for what they have in dropped directions.</summary>
    public double[] ToCoordinates(ReadOnlySpan<double> parameters)
    {
        double[] coordinates = parameters.ToArray();
        if (Whitening is not null)
        {
            double[] weights = Gathered(parameters);
            Scatter<double>(Whitening.ToCoordinates(weights), coordinates);
            coordinates[_layout.BiasLane] += TensorPrimitives.Dot<double>(weights, Means);
        }
        Found?.Divide(coordinates);
        return coordinates;
    }

    private double[] Gathered(ReadOnlySpan<double> vector)
    {
        var gathered = new double[_layout.DenseCount + _sparse];
        Gather(vector, gathered);
        return gathered;
    }

    private void Gather<T>(ReadOnlySpan<T> vector, Span<T> columns)
    {
        vector[.._layout.DenseCount].CopyTo(columns);
        if (_sparse > 0)
            vector.Slice(_layout.DenseLength, _sparse).CopyTo(columns[_layout.DenseCount..]);
        columns[(_layout.DenseCount + _sparse)..].Clear();
    }

    private void Scatter<T>(ReadOnlySpan<T> columns, Span<T> vector)
    {
        columns[.._layout.DenseCount].CopyTo(vector);
        if (_sparse > 0)
            columns.Slice(_layout.DenseCount, _sparse).CopyTo(vector[_layout.DenseLength..]);
    }
}
