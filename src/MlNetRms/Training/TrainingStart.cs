using MlNetRms.Data;

namespace MlNetRms.Training;

/// <summary>Where a training begins: with the initial weights of the settings, with those of a model, or where another training ended.</summary>
/// <param name="Model">Weights and bias in raw units, or null.</param>
/// <param name="Previous">The training to continue, or null.</param>
internal readonly record struct TrainingStart((IReadOnlyList<float> Weights, float Bias)? Model, TrainingState? Previous)
{
    /// <summary>Weights by column and the bias to begin with, in the units of training; null where none are given.</summary>
    public float[]? Weights(Scaling scaling)
    {
        if (Previous is { } previous)
        {
            double[] last = Array.ConvertAll(previous.Parameters.Values, value => (double)value);
            (float[] raw, float rawBias) = previous.Scaling.ToRaw(last.AsSpan(..^1), last[^1], centerResiduals: false);
            return Scaled(scaling, raw, rawBias);
        }
        return Model is { } model ? Scaled(scaling, model.Weights, model.Bias) : null;
    }

    private static float[] Scaled(Scaling scaling, IReadOnlyList<float> weights, float bias)
    {
        (float[] scaled, float scaledBias) = scaling.FromRaw(weights, bias);
        return [.. scaled, scaledBias];
    }
}
