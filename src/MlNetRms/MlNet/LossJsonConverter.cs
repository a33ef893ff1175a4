using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Trainers;
using MlNetRms.Settings;

namespace MlNetRms.MlNet;

/// <summary>A loss as an object whose one property is the name of its type, with its constants: {"HuberLoss":[1.5]}.</summary>
internal sealed class LossJsonConverter : JsonConverter<IRegressionLoss>
{
    public override void Write(Utf8JsonWriter writer, IRegressionLoss value, JsonSerializerOptions options)
    {
        float[] constants = value switch
        {
            SquaredLoss or AbsoluteLoss => [],
            HuberLoss loss => [loss.Delta],
            QuantileLoss loss => [loss.Quantile],
            EpsilonInsensitiveLoss loss => [loss.Epsilon],
            LogCoshLoss loss => [loss.Scale],
            _ => throw new NotSupportedException($"The loss '{value}' is not known here, and JSON cannot hold it. Set it after the options have been read."),
        };
        NamedConstants.Write(writer, value.GetType().Name, constants.Select(constant => JsonSerializer.SerializeToElement(constant)));
    }

    public override IRegressionLoss Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        (string name, double[] constants) = NamedConstants.Read(ref reader);
        return (name, constants) switch
        {
            (nameof(SquaredLoss), []) => new SquaredLoss(),
            (nameof(AbsoluteLoss), []) => new AbsoluteLoss(),
            (nameof(HuberLoss), [var delta]) => new HuberLoss((float)delta),
            (nameof(QuantileLoss), [var quantile]) => new QuantileLoss((float)quantile),
            (nameof(EpsilonInsensitiveLoss), [var epsilon]) => new EpsilonInsensitiveLoss((float)epsilon),
            (nameof(LogCoshLoss), [var scale]) => new LogCoshLoss((float)scale),
            _ => throw new JsonException($"There is no loss '{name}' with {constants.Length} constants."),
        };
    }
}
