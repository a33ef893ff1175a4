namespace MlNetRms;

/// <summary>What a training is doing.</summary>
public enum TrainingPhase
{
    /// <summary>The rows are read, the validation rows too.</summary>
    Reading,

    /// <summary>The weights are changed, step by step.</summary>
    Training,
}
