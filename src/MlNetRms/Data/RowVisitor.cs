namespace MlNetRms.Data;

/// <summary>Takes a row; it is valid during the call only.</summary>
internal delegate void RowVisitor(in Row row);
