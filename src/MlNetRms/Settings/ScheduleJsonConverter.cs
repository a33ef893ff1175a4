using System.Text.Json;
using System.Text.Json.Serialization;

namespace MlNetRms.Settings;

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
            (nameof(LearningRateSchedule.CosineThenConstant), [var floor, var decayFraction]) => LearningRateSchedule.CosineThenConstant(floor, decayFraction),
            (nameof(LearningRateSchedule.InverseSquareRoot), [var decaySteps]) => LearningRateSchedule.InverseSquareRoot((long)decaySteps),
            (nameof(LearningRateSchedule.StepDecay), [var factor, var stepsPerDrop]) => LearningRateSchedule.StepDecay(factor, (long)stepsPerDrop),
            _ => throw new JsonException($"There is no learning rate schedule '{kind}' with {constants.Length} constants."),
        };
    }
}
