using System.Numerics;
using MlNetRms.Settings;

namespace MlNetRms.Rows;

/// <summary>
/// Where a packed row has its columns. Its dense part holds the dense columns, a 1 for the bias, the label, the example
/// weight where there is one, and zeros up to <see cref="Stride"/>; its sparse columns are kept apart, numbered by places.
/// </summary>
/// <remarks>
/// The parameters are laid out alike (weights, bias, −1 against the label, zeros, then the weights of the sparse columns), so a
/// residual is one dot product. <see cref="Position"/> is a column's position among them.
/// </remarks>
internal sealed class RowLayout
{
    /// <summary>The narrowest rows take half a vector of 256 bits, not a whole one.</summary>
    private const int NarrowStride = 4;

    private readonly ActiveFeatures _columns;
    private readonly int[] _positions;

    /// <param name="columns">The columns.</param>
    /// <param name="isSparse">For each of them whether few of its values are not 0.</param>
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

        _positions = new int[columns.FeatureCount];
        if (!columns.AreAll)
            Array.Fill(_positions, -1);
        int lane = 0;
        int place = 0;
        for (int column = 0; column < isSparse.Length; column++)
            _positions[columns[column]] = SparseCount > 0 && isSparse[column] ? DenseLength + place++ : lane++;
    }

    public int ColumnCount => _columns.Count;

    /// <summary>Number of columns in the dense part.</summary>
    public int DenseCount { get; }

    /// <summary>Number of columns kept as places and values.</summary>
    public int SparseCount { get; }

    /// <summary>Floats from one row's dense part to the next one's.</summary>
    public int Stride { get; }

    /// <summary>Number of parameters against the dense part: a whole number of vectors.</summary>
    public int DenseLength { get; }

    public int BiasLane => DenseCount;

    public int LabelLane => DenseCount + 1;

    /// <summary>Null where every example weighs 1.</summary>
    public int? WeightLane { get; }

    /// <summary>
    /// A column's position among the parameters: its lane in the dense part, or <see cref="DenseLength"/> plus its place among the
    /// sparse columns. The bias counts as the column after the last.
    /// </summary>
    public int Position(int column) => column == ColumnCount ? BiasLane : _positions[_columns[column]];

    /// <summary>The same for a place in a feature vector; less than 0 where its column does not take part.</summary>
    public int PositionOfFeature(int feature) => _positions[feature];

    /// <summary>Copies the values of a dense row to their lanes, where there are no sparse columns.</summary>
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

    /// <summary>The least whole number of vectors that holds so many floats, in floats.</summary>
    public static int WholeVectors(int length) => (length + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;
}
