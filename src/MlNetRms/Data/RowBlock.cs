using System.Runtime.CompilerServices;
using MlNetRms.Kernels;

namespace MlNetRms.Data;

/// <summary>
/// Some dense rows side by side, so that they can be checked and summed up while they are in the first-level cache. A row
/// is laid out as its values, label, weight, and zeros up to whole vectors.
/// </summary>
internal sealed class RowBlock(int featureCount)
{
    private const int CacheBytes = 24 * 1024;

    /// <summary>Label and weight.</summary>
    private const int TrailerLength = 2;

    private float[] _rows = [];
    private int _length;

    /// <summary>Floats from one row to the next.</summary>
    public int RowLength { get; } = RowLengthOf(featureCount);

    /// <summary>The rows.</summary>
    public ReadOnlySpan<float> Rows => _rows.AsSpan(0, _length);

    public bool IsFull => _length == _rows.Length && _length > 0;

    /// <inheritdoc cref="RowLength"/>
    public static int RowLengthOf(int featureCount) => RowLayout.WholeVectors(featureCount + TrailerLength);

    public void Add(in Row row)
    {
        if (_rows.Length == 0)
            _rows = new float[Math.Max(1, CacheBytes / sizeof(float) / RowLength) * RowLength];
        Span<float> stored = _rows.AsSpan(_length, RowLength);
        row.Values.CopyTo(stored);
        stored[featureCount] = row.Label;
        stored[featureCount + 1] = row.Weight;
        _length += RowLength;
    }

    /// <summary>The row that begins at an offset into <see cref="Rows"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Row RowAt(int offset)
    {
        ReadOnlySpan<float> stored = _rows.AsSpan(offset, RowLength);
        return new Row([], stored[..featureCount], stored[featureCount], stored[featureCount + 1]);
    }

    /// <summary>Whether every value of every row is finite.</summary>
    public bool AllFinite => MomentKernels.AllFinite(Rows);

    /// <summary>Keeps the rows for which <paramref name="keep"/> says so, in their order.</summary>
    public void Keep(RowPredicate keep)
    {
        int kept = 0;
        for (int offset = 0; offset < _length; offset += RowLength)
        {
            if (!keep(RowAt(offset)))
                continue;
            _rows.AsSpan(offset, RowLength).CopyTo(_rows.AsSpan(kept));
            kept += RowLength;
        }
        _length = kept;
    }

    public void Clear() => _length = 0;

    public delegate bool RowPredicate(in Row row);
}
