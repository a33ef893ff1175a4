using Microsoft.ML.Data;

namespace MlNetRms.Benchmarks.Accuracy;

internal sealed partial class ExampleSet
{
    public static ExampleSet From(IRows rows)
    {
        var features = new VBuffer<float>[rows.Count];
        var labels = new float[rows.Count];
        for (int row = 0; row < rows.Count; row++)
            rows.Read(row, ref features[row], out labels[row]);
        return new ExampleSet(features, labels);
    }
}
