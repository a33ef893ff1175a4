using MlNetRms.Saving;

namespace MlNetRms.Settings;

/// <summary>
/// The options of a trainer, read once: an immutable record for each namespace with the settings that it needs, and the options that give the numbers
/// of a training their meaning, which must be the same in a training that continues it.
/// </summary>
internal sealed record TrainingSettings(
    ColumnSettings Columns,
    ReadingSettings Reading,
    PlanSettings Plan,
    RuleSettings Rule,
    LearningRateSettings LearningRate,
    LossSettings Loss,
    PenaltySettings Penalties,
    bool? Decorrelate,
    StoppingSettings? Stopping,
    CheckpointSettings? Checkpoint,
    bool HasEpochCallback,
    IReadOnlyList<NamedText> Meaning)
{
    /// <param name="options">Checked options.</param>
    /// <param name="loss">Their loss.</param>
    /// <param name="meaning">The options that must be the same in a training that continues this one.</param>
    public static TrainingSettings From(RmsPropRegressionTrainer.Options options, LossSettings loss, IReadOnlyList<NamedText> meaning)
    {
        int seed = options.Seed ?? 0;
        int threads = Decisions.Threads(options.NumberOfThreads);
        var penalties = new PenaltySettings(
            options.L2Regularization, options.L1Regularization, options.NonNegativeWeights, options.GradientClippingNorm);
        bool mayWhiten = options.Standardize && options.Decorrelate != false && !penalties.NeedsWeights;
        return new(
            new ColumnSettings(options.FeatureColumnName, options.LabelColumnName, options.ExampleWeightColumnName),
            new ReadingSettings(options.Standardize, mayWhiten, options.Shuffle, seed, options.ValidationFraction, threads,
                Decisions.MemoryLimit(options.MemoryLimitInBytes), options.TemporaryDirectory),
            new PlanSettings(options.BatchSize, options.NumberOfEpochs, options.Tolerance, options.AveragedFraction, options.Shuffle, seed,
                options.InitialWeightsStandardDeviation, threads),
            new RuleSettings(options.Alpha, options.Epsilon, options.EpsilonPlacement, options.BiasCorrection, options.Momentum, options.Centered),
            new LearningRateSettings(options.LearningRate, options.LearningRateSchedule),
            loss,
            penalties,
            options.Decorrelate,
            options.EarlyStopping is { } stopping ? new StoppingSettings(stopping.Patience, stopping.MinimumImprovement) : null,
            options.Checkpoint is { } checkpoint
                ? new CheckpointSettings(Path.GetFullPath(checkpoint.Path), checkpoint.EveryEpochs, checkpoint.Interval, checkpoint.Keep) : null,
            options.EpochCompleted is not null,
            meaning);
    }
}

/// <summary>Names of the columns that training reads; <paramref name="Weight"/> is null if every example weighs 1.</summary>
internal sealed record ColumnSettings(string Features, string Label, string? Weight);

/// <summary>
/// How the rows are stored: in which units and order, what share of them is set aside, and how many bytes of them are held in memory (null: all)
/// before the rest goes to a file in the folder (null: the system's).
/// </summary>
internal sealed record ReadingSettings(
    bool Standardize, bool MayWhiten, bool Shuffle, int Seed, float ValidationFraction, int NumberOfThreads,
    long? MemoryLimit, string? TemporaryDirectory);

/// <summary>The input of the training plan, together with the number of rows, from which a null number of epochs is derived.</summary>
internal sealed record PlanSettings(
    int BatchSize, int? NumberOfEpochs, float? Tolerance, float AveragedFraction, bool Shuffle, int Seed,
    float InitialWeightsStandardDeviation, int NumberOfThreads);

/// <summary>The constants of the update rule, in the notation of <see cref="RmsProp"/>.</summary>
internal sealed record RuleSettings(
    float Alpha, float Epsilon, EpsilonPlacement EpsilonPlacement, bool BiasCorrection, float Momentum, bool Centered);

/// <summary>The learning rate before the schedule, and the schedule.</summary>
internal sealed record LearningRateSettings(float Initial, LearningRateSchedule Schedule)
{
    /// <summary>Whether every step has the same rate.</summary>
    public bool IsConstant => Schedule == LearningRateSchedule.Constant;

    /// <exception cref="InvalidOperationException">A custom schedule's factor, or its product with the rate, is not a finite number.</exception>
    public float At(long step, long totalSteps)
    {
        var learningRate = (float)(Initial * Schedule.Factor(step, totalSteps));
        return float.IsFinite(learningRate) ? learningRate : throw new InvalidOperationException(FormattableString.Invariant(
            $"The learning rate schedule '{Schedule}' made the learning rate infinite at step {step} of {totalSteps}."));
    }
}

/// <summary>The loss of one row as a function of prediction and label, both in label units.</summary>
/// <param name="Name">The type and the constants, which distinguish the loss from others.</param>
/// <param name="IsSquared">Whether training may compute with half the squared residual, which has the same minimiser.</param>
/// <param name="Value">The loss.</param>
/// <param name="Derivative">Its derivative by the prediction.</param>
internal sealed record LossSettings(string Name, bool IsSquared, Func<float, float, double> Value, Func<float, float, float> Derivative)
{
    /// <summary>Half the squared residual.</summary>
    public static LossSettings HalfSquared { get; } = new("half squared residual", IsSquared: true,
        (prediction, label) => 0.5 * ((double)prediction - label) * ((double)prediction - label), (prediction, label) => prediction - label);
}

/// <summary>
/// The forces on the weights other than the loss: λ of ½·λ·‖w‖² (null: the data decides), λ₁ of λ₁·Σ|w|, a bound at 0, and the largest norm of a
/// gradient.
/// </summary>
internal sealed record PenaltySettings(float? L2, float L1, bool NonNegativeWeights, float? GradientClippingNorm)
{
    /// <summary>Whether a weight whose gradient is 0 does not change. An L2 penalty can act when a row has a value in the weight's column.</summary>
    public bool LeavesUntouchedWeightsAlone => this is { L1: 0, NonNegativeWeights: false, GradientClippingNorm: null };

    /// <summary>Whether the weights themselves must be stepped, because L1 and the bound act on each of them.</summary>
    public bool NeedsWeights => L1 > 0 || NonNegativeWeights;
}

/// <summary>When early stopping ends a training; see <see cref="EarlyStopping"/>.</summary>
internal sealed record StoppingSettings(int Patience, float MinimumImprovement);

/// <summary>Where (a full path) and how often a training is saved while it runs, and whether the file stays at its end.</summary>
internal sealed record CheckpointSettings(string Path, int? EveryEpochs, TimeSpan Interval, bool Keep);

/// <summary>A name and a value, as messages print them: an option, or another property in which trainings can differ.</summary>
internal sealed record NamedText(string Name, string Text)
{
    public static NamedText Exchange(Archive file, NamedText? value) => new(file.Text(value?.Name), file.Text(value?.Text));

    /// <summary>The first of <paramref name="mine"/> that has another text in <paramref name="theirs"/>; null if there is none.</summary>
    public static (string Name, string Mine, string Theirs)? FirstDifference(IReadOnlyList<NamedText> mine, IReadOnlyList<NamedText> theirs)
    {
        foreach ((string name, string text) in mine)
        {
            string other = theirs.FirstOrDefault(candidate => candidate.Name == name)?.Text ?? "not known";
            if (other != text)
                return (name, text, other);
        }
        return null;
    }
}
