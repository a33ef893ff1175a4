using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Trainers;

namespace MlNetRms.Host;

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
            _ => throw new NotSupportedException(
                $"The loss '{value}' is not known here, and JSON cannot hold it. Set it after the options have been read."),
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

/// <summary>A schedule as an object whose one property is the name of its kind, with its constants: {"StepDecay":[0.5,2000]}.</summary>
internal sealed class ScheduleJsonConverter : JsonConverter<LearningRateSchedule>
{
    public override void Write(Utf8JsonWriter writer, LearningRateSchedule value, JsonSerializerOptions options)
    {
        string kind = value == LearningRateSchedule.Default ? nameof(LearningRateSchedule.Default) : value.Kind ?? throw new NotSupportedException(
            $"The learning rate schedule '{value}' is a function, which JSON cannot hold. Set it after the options have been read.");
        NamedConstants.Write(writer, kind, value.Constants.Select(constant => JsonSerializer.SerializeToElement(constant)));
    }

    public override LearningRateSchedule Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        (string kind, double[] constants) = NamedConstants.Read(ref reader);
        return (kind, constants) switch
        {
            (nameof(LearningRateSchedule.Default), _) => LearningRateSchedule.Default,
            (nameof(LearningRateSchedule.Constant), []) => LearningRateSchedule.Constant,
            (nameof(LearningRateSchedule.CosineToZero), []) => LearningRateSchedule.CosineToZero,
            (nameof(LearningRateSchedule.LinearToZero), []) => LearningRateSchedule.LinearToZero,
            (nameof(LearningRateSchedule.CosineThenConstant), [var floor, var decayFraction]) =>
                LearningRateSchedule.CosineThenConstant(floor, decayFraction),
            (nameof(LearningRateSchedule.InverseSquareRoot), [var decaySteps]) => LearningRateSchedule.InverseSquareRoot((long)decaySteps),
            (nameof(LearningRateSchedule.StepDecay), [var factor, var stepsPerDrop]) => LearningRateSchedule.StepDecay(factor, (long)stepsPerDrop),
            _ => throw new JsonException($"There is no learning rate schedule '{kind}' with {constants.Length} constants."),
        };
    }
}

/// <summary>A name and some numbers as JSON: {"name":[1,2]}.</summary>
internal static class NamedConstants
{
    public static void Write(Utf8JsonWriter writer, string name, IEnumerable<JsonElement> constants)
    {
        writer.WriteStartObject();
        writer.WriteStartArray(name);
        foreach (JsonElement constant in constants)
            constant.WriteTo(writer);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <exception cref="JsonException">It is something else.</exception>
    public static (string Name, double[] Constants) Read(ref Utf8JsonReader reader)
    {
        Dictionary<string, double[]>? pairs = JsonSerializer.Deserialize<Dictionary<string, double[]>>(ref reader);
        return pairs is { Count: 1 } ? (pairs.Keys.Single(), pairs.Values.Single())
            : throw new JsonException("One name with an array of numbers is needed.");
    }
}
