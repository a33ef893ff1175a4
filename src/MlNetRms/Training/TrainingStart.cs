using MlNetRms.Checkpoints;
using MlNetRms.Data;
using MlNetRms.Settings;

namespace MlNetRms.Training;

/// <summary>Where a training begins: with the initial weights of the settings, with those of a model, or where another training ended.</summary>
/// <param name="Model">Weights and bias in raw units, or null.</param>
/// <param name="Previous">The training to continue, or null.</param>
internal readonly record struct TrainingStart((IReadOnlyList<float> Weights, float Bias)? Model, TrainingState? Previous)
{
    /// <summary>Whether it is with weights of before.</summary>
    public bool IsGiven => Model is not null || Previous is not null;

    /// <summary>Weights and bias of before in raw units; null where none are given.</summary>
    public (IReadOnlyList<float> Weights, float Bias)? Raw()
    {
        if (Previous is not { } previous)
            return Model;
        double[] last = previous.Weights();
        (float[] weights, float bias) = previous.Scaling.ToRaw(last.AsSpan(..^1), last[^1], centerResiduals: false);
        return (previous.Scaling.Columns.ToFeatures(weights), bias);
    }

    /// <summary>Writes all of it.</summary>
    public void Write(BinaryWriter writer)
    {
        Previous?.Write(writer);
        writer.WriteArray<float>([.. Model?.Weights ?? []]);
        writer.Write(Model?.Bias ?? 0);
    }

    /// <summary>Weights by column and the bias to begin with, in the units of training.</summary>
    public float[] Weights(Scaling scaling, PlanSettings settings)
    {
        if (Raw() is not { } raw)
            return InitialWeights.Of(scaling.Columns, settings);
        (float[] scaled, float scaledBias) = scaling.FromRaw(raw.Weights, raw.Bias);
        return [.. scaled, scaledBias];
    }
}
