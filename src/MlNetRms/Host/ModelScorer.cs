using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using MlNetRms.Rows;

namespace MlNetRms.Host;

/// <summary>Scores rows with a model of ML.NET, as its transformer does; for one thread.</summary>
internal sealed class ModelScorer(LinearModelParameters model)
{
    private float[] _values = [];
    private int[] _indices = [];

    public float Score(in Row row)
    {
        int count = row.Values.Length;
        if (_values.Length < count)
            _values = new float[count];
        row.Values.CopyTo(_values);
        if (row.IsDense)
            return MlNetInternals.Score(model, new VBuffer<float>(count, _values));
        if (_indices.Length < count)
            _indices = new int[count];
        row.Indices.CopyTo(_indices);
        return MlNetInternals.Score(model, new VBuffer<float>(model.Weights.Count, count, _values, _indices));
    }
}
