using MlNetRms.Data;

namespace MlNetRms.Model;

/// <summary>
/// The order of the parameters: that of a packed row (<see cref="RowLayout"/>). Whatever is kept or returned is in the order of
/// the columns, with the bias behind the last.
/// </summary>
internal sealed class ParameterLayout(RowLayout rows)
{
    /// <summary>Weights of dense columns; they come first.</summary>
    public int DenseCount => rows.DenseCount;

    /// <summary>Parameters of the dense part, the constants and padding included.</summary>
    public int DenseLength => rows.DenseLength;

    /// <summary>Parameters of sparse columns, behind the dense part.</summary>
    public int SparseLength => rows.SparseCount;

    public int Length => DenseLength + SparseLength;

    public int ColumnCount => rows.ColumnCount;

    public int BiasPosition => rows.BiasLane;

    /// <summary>Where the weights are: all parameters but bias, constants and padding.</summary>
    public IReadOnlyList<Range> Weights { get; } = [new Range(0, rows.DenseCount), Range.StartAt(rows.DenseLength)];

    /// <summary>The position of a column's weight; the bias counts as the column after the last.</summary>
    public int Position(int column) => rows.Position(column);

    /// <summary>Sets what is not trained: with −1 against the label, the product of a row and the parameters is the residual.</summary>
    public void SetConstants(Span<float> parameters) => parameters[rows.LabelLane] = -1;

    /// <summary>Sets the gradient to 0 where there is no parameter: rows have the label and the example weight there.</summary>
    public void ClearConstants(Span<float> gradient) => gradient[(rows.BiasLane + 1)..DenseLength].Clear();

    /// <summary>From the order of the parameters to that of the columns.</summary>
    public T[] ByColumn<T>(ReadOnlySpan<T> parameters)
    {
        var byColumn = new T[ColumnCount + 1];
        for (int column = 0; column < byColumn.Length; column++)
            byColumn[column] = parameters[Position(column)];
        return byColumn;
    }

    /// <summary>Inverse of <see cref="ByColumn"/>; 0 where there is no column.</summary>
    public void Arrange<T>(ReadOnlySpan<T> byColumn, Span<T> parameters)
    {
        parameters.Clear();
        for (int column = 0; column < byColumn.Length; column++)
            parameters[Position(column)] = byColumn[column];
    }
}
