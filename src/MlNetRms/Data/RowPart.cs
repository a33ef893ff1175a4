namespace MlNetRms.Data;

/// <summary>The two parts of a packed row, which are stored apart.</summary>
internal enum RowPart
{
    Dense,
    Sparse,
}
