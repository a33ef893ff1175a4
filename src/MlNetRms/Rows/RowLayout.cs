using System.Numerics;
using MlNetRms.Kernels;
using MlNetRms.Settings;

namespace MlNetRms.Rows;

/// <summary>
/// Where a packed row has its columns, and where each column's parameter is. The dense part of a row holds the dense columns, a 1 for the bias, the
/// label, the example weight if there is one, and zeros up to <see cref="Stride"/>. The sparse columns are stored apart and have numbers of their
/// own, from 0.
/// </summary>
/// <remarks>
/// The parameters are in the same order (weights, bias, −1 against the label, zeros, then the weights of the sparse columns), so a residual is one
/// dot product. Everything that is saved or returned is in the order of the columns, with the bias after the last.
/// </remarks>
internal sealed class RowLayout
{
    /// <summary>The narrowest rows take half a vector of 256 bits, not a whole one.</summary>
    private const int NarrowStride = 4;

    private readonly ActiveFeatures _columns;
    private readonly int[] _positions;

    /// <param name="columns">The columns.</param>
    /// <param name="isSparse">For each of them, whether few of its values are not 0.</param>
    /// <param name="hasWeights">Whether rows have example weights.</param>
    public RowLayout(ActiveFeatures columns, ReadOnlySpan<bool> isSparse, bool hasWeights)
    {
        _columns = columns;
        int sparse = isSparse.Count(true);
        SparseCount = Decisions.PacksSparse(sparse) ? sparse : 0;
        DenseCount = isSparse.Length - SparseCount;
        WeightLane = hasWeights ? LabelLane + 1 : null;
        int lanes = (WeightLane ?? LabelLane) + 1;
        DenseLength = WholeVectors(lanes);
        Stride = lanes <= NarrowStride ? NarrowStride : DenseLength;
        Weights = [new Range(0, DenseCount), Range.StartAt(DenseLength)];

        _positions = new int[columns.FeatureCount];
        if (!columns.AreAll)
            Array.Fill(_positions, -1);
        int lane = 0;
        int sparsePosition = DenseLength;
        for (int column = 0; column < isSparse.Length; column++)
            _positions[columns[column]] = SparseCount > 0 && isSparse[column] ? sparsePosition++ : lane++;
    }

    public int ColumnCount => _columns.Count;

    /// <summary>Number of columns in the dense part.</summary>
    public int DenseCount { get; }

    /// <summary>Number of columns whose values are stored with their positions.</summary>
    public int SparseCount { get; }

    /// <summary>Floats from one row's dense part to the next one's.</summary>
    public int Stride { get; }

    /// <summary>Number of parameters of the dense part, constants and padding included: a whole number of vectors.</summary>
    public int DenseLength { get; }

    /// <summary>Number of all parameters.</summary>
    public int Length => DenseLength + SparseCount;

    public int BiasLane => DenseCount;

    public int LabelLane => DenseCount + 1;

    /// <summary>Null if every example weighs 1.</summary>
    public int? WeightLane { get; }

    /// <summary>Where the weights are among the parameters: everywhere except at the bias, the constants and the padding.</summary>
    public IReadOnlyList<Range> Weights { get; }

    /// <summary>
    /// A column's position among the parameters: its lane in the dense part, or <see cref="DenseLength"/> plus its number among the sparse columns.
    /// The bias counts as the column after the last.
    /// </summary>
    public int Position(int column) => column == ColumnCount ? BiasLane : _positions[_columns[column]];

    /// <summary>A column's number in the order of the positions, in which columns are whitened.</summary>
    public int NumberInOrder(int column)
    {
        int position = Position(column);
        return position < DenseLength ? position : position - DenseLength + DenseCount;
    }

    /// <summary>The same for an index in a feature vector; less than 0 if the feature is not active.</summary>
    public int PositionOfFeature(int feature) => _positions[feature];

    /// <summary>Copies the values of a dense row to their lanes, if there are no sparse columns.</summary>
    public void CopyDense(ReadOnlySpan<float> features, Span<float> lanes)
    {
        if (_columns.AreAll)
        {
            features.CopyTo(lanes);
            return;
        }
        for (int lane = 0; lane < DenseCount; lane++)
            lanes[lane] = features[_columns[lane]];
    }

    /// <summary>Sets the parameters that are not trained: −1 against the label makes the product of row and parameters the residual.</summary>
    public void SetConstants(Span<float> parameters) => parameters[LabelLane] = -1;

    /// <summary>Sets the gradient to 0 in lanes without a parameter, in which rows have the label and the example weight.</summary>
    public void ClearConstants(Span<float> gradient) => gradient[(BiasLane + 1)..DenseLength].Clear();

    /// <summary>From the order of the parameters to that of the columns.</summary>
    public T[] ByColumn<T>(ReadOnlySpan<T> parameters)
    {
        var byColumn = new T[ColumnCount + 1];
        for (int column = 0; column < byColumn.Length; column++)
            byColumn[column] = parameters[Position(column)];
        return byColumn;
    }

    /// <summary>Inverse of <see cref="ByColumn"/>; 0 at positions without a column.</summary>
    public void Arrange<T>(ReadOnlySpan<T> byColumn, Span<T> parameters)
    {
        parameters.Clear();
        for (int column = 0; column < byColumn.Length; column++)
            parameters[Position(column)] = byColumn[column];
    }

    /// <summary>The least whole number of vectors that holds this many floats, in floats.</summary>
    public static int WholeVectors(int length) => Divide.RoundUpToMultiple(length, Vector<float>.Count);
}
