using MlNetRms.Data;

namespace MlNetRms.Training;

internal static class LargestFeature
{
    /// <summary>The value farthest from zero among all features, and its place among them. Reads every row: for messages only.</summary>
    public static (int Feature, float Value) Of(RowSet rows)
    {
        double[] largest = rows.InTurn(OfPart).ToList().MaxBy(found => Math.Abs(found[1]))!;
        return ((int)largest[0], (float)largest[1]);
    }

    private static double[] OfPart(RowStore rows)
    {
        RowLayout layout = rows.Layout;
        if (layout.ColumnCount == 0)
            return [0, 0];
        var largest = new float[layout.DenseLength + layout.SparseCount];
        for (long row = 0; row < rows.RowCount; row++)
        {
            ReadOnlySpan<float> lanes = rows.DenseRows(row, 1);
            for (int lane = 0; lane < layout.DenseCount; lane++)
                largest[lane] = MathF.MaxMagnitude(largest[lane], lanes[lane]);
            if (layout.SparseCount == 0)
                continue;
            rows.SparseRow(row, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            for (int k = 0; k < places.Length; k++)
                largest[layout.DenseLength + places[k]] = MathF.MaxMagnitude(largest[layout.DenseLength + places[k]], values[k]);
        }
        int column = Enumerable.Range(0, layout.ColumnCount).MaxBy(column => MathF.Abs(largest[layout.Position(column)]));
        return [rows.Columns[column], largest[layout.Position(column)]];
    }
}
