namespace MlNetRms.Data;

/// <summary>One row in raw units; valid until the next one is read.</summary>
/// <param name="indices">Columns of the values, ascending; empty for a dense row.</param>
/// <param name="values">The values: of all columns, or of those in <paramref name="indices"/>.</param>
/// <param name="label">The label.</param>
/// <param name="weight">The example weight, greater than 0.</param>
internal readonly ref struct Row(ReadOnlySpan<int> indices, ReadOnlySpan<float> values, float label, float weight)
{
    public ReadOnlySpan<int> Indices { get; } = indices;

    public ReadOnlySpan<float> Values { get; } = values;

    public float Label { get; } = label;

    public float Weight { get; } = weight;

    /// <summary>Whether every column has a value.</summary>
    public bool IsDense => Indices.Length < Values.Length;

    /// <summary>The column of the value at a position.</summary>
    public int Column(int position) => IsDense ? position : Indices[position];
}
