using MlNetRms.Objective;

namespace MlNetRms.Training;

/// <summary>A part of an epoch.</summary>
/// <param name="Steps">Its steps.</param>
/// <param name="Losses">Of its rows, each before its batch's step, in the units of training.</param>
internal readonly record struct EpochPart(int Steps, LossSum Losses);
