using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// The whole state of a training, as plain data that no other object changes. It is enough to continue as if there had been no break, in the middle
/// of a training or with a new one. It does not depend on how the columns are stored.
/// </summary>
/// <param name="Meaning">The options that give the numbers their meaning.</param>
/// <param name="Plan">How long the current round is.</param>
/// <param name="Scaling">The units.</param>
/// <param name="L2">λ of the L2 penalty as it took effect.</param>
/// <param name="Parameters">Weights, the rule's state, and the running average.</param>
/// <param name="EpochsBefore">Epochs of the trainings that this one continues, so that each epoch has its own order of batches.</param>
/// <param name="StepsBefore">Steps of the trainings and rounds whose state the current round continues.</param>
/// <param name="Round">Where the training is in its rounds.</param>
/// <param name="Epoch">Epochs done in this training.</param>
/// <param name="Part">The progress within the next one.</param>
/// <param name="StopReason">Why it ended, if it has ended before its last epoch.</param>
/// <param name="Best">The best epoch so far, with early stopping.</param>
/// <param name="Reports">The reports of the epochs so far.</param>
/// <param name="Elapsed">The time it has taken.</param>
internal sealed record TrainingState(
    IReadOnlyList<NamedText> Meaning, TrainingPlan Plan, Scaling Scaling, float L2, ParameterState Parameters,
    int EpochsBefore, long StepsBefore, RoundState Round, int Epoch, EpochPart Part, StopReason StopReason, BestEpochState? Best,
    IReadOnlyList<EpochReport> Reports,
    TimeSpan Elapsed)
{
    /// <summary>Epochs done, including those of the trainings before.</summary>
    public int TotalEpochs => EpochsBefore + Epoch;

    /// <summary>Length of a feature vector.</summary>
    public int FeatureCount => Scaling.Columns.FeatureCount;

    /// <summary>The last weights by column and the bias, in the units of <see cref="Scaling"/>.</summary>
    public double[] Weights()
    {
        double[] weights = Array.ConvertAll(Parameters.Values, value => (double)value);
        if (Parameters.Whitening is not { } whitening)
            return weights;
        RowLayout layout = LayoutOf(Scaling);
        var coordinates = new double[layout.Length];
        layout.Arrange<double>(weights, coordinates);
        return layout.ByColumn<double>(whitening.With(layout).ToParameters(coordinates));
    }

    /// <exception cref="FormatException">The content is not consistent.</exception>
    public static TrainingState Exchange(Archive file, TrainingState? state)
    {
        IReadOnlyList<NamedText> meaning = file.List(state?.Meaning, NamedText.Exchange);
        TrainingPlan plan = ExchangePlan(file, state?.Plan);
        Scaling scaling = Scaling.Exchange(file, state?.Scaling);
        var exchanged = new TrainingState(
            meaning, plan, scaling, file.Value(state?.L2), ParameterState.Exchange(file, state?.Parameters, LayoutOf(scaling)),
            file.Value(state?.EpochsBefore), file.Value(state?.StepsBefore),
            RoundState.Exchange(file, state?.Round, scaling.Columns.Count), file.Value(state?.Epoch), ExchangePart(file, state?.Part),
            file.Value(state?.StopReason), file.Optional(state?.Best, (_, best) => ExchangeBest(file, best, scaling.Columns.Count)),
            file.List(state?.Reports, ExchangeReport), file.Value(state?.Elapsed));
        bool fits = exchanged is { Epoch: >= 0, EpochsBefore: >= 0, StepsBefore: >= 0 }
            && exchanged.Epoch >= exchanged.Round.FirstEpoch && exchanged.Epoch - exchanged.Round.FirstEpoch <= plan.NumberOfEpochs
            && exchanged.Part.Steps >= 0 && exchanged.Part.Steps <= plan.StepsPerEpoch;
        return fits ? exchanged : throw new FormatException();
    }

    private static TrainingPlan ExchangePlan(Archive file, TrainingPlan? plan) => new(
        file.Value(plan?.BatchSize), file.Value(plan?.StepsPerEpoch), file.Value(plan?.NumberOfEpochs), file.Value(plan?.AveragedSteps));

    private static EpochPart ExchangePart(Archive file, EpochPart? part) => new(file.Value(part?.Steps), file.Value(part?.Losses));

    private static BestEpochState ExchangeBest(Archive file, BestEpochState? best, int columnCount) => new(
        file.Value(best?.Epoch), file.Value(best?.Loss), file.Array(best?.Weights, columnCount + 1));

    private static EpochReport ExchangeReport(Archive file, EpochReport? report) => new()
    {
        Epoch = file.Value(report?.Epoch),
        NumberOfEpochs = file.Value(report?.NumberOfEpochs),
        Step = file.Value(report?.Step),
        Loss = file.Value(report?.Loss),
        ValidationLoss = file.OptionalValue(report?.ValidationLoss),
        LearningRate = file.Value(report?.LearningRate),
        Elapsed = file.Value(report?.Elapsed),
        RowsPerSecond = file.Value(report?.RowsPerSecond),
    };

    private static RowLayout LayoutOf(Scaling scaling) => new(scaling.Columns, scaling.IsSparse, hasWeights: false);
}

/// <summary>
/// The content of a file: a training, and the conditions that must be the same to resume it. A training that was saved to be continued later has no
/// conditions.
/// </summary>
internal sealed record SavedContent(IReadOnlyList<NamedText> Conditions, TrainingState State)
{
    /// <exception cref="FormatException">The content is not consistent.</exception>
    public static SavedContent Exchange(Archive file, SavedContent? content) =>
        new(file.List(content?.Conditions, NamedText.Exchange), TrainingState.Exchange(file, content?.State));
}

/// <summary>Where a training begins: at the initial weights of the settings, at the weights of a model, or where another training ended.</summary>
/// <param name="Model">Weights and bias in raw units, or null.</param>
/// <param name="Previous">The training to continue, or null.</param>
internal readonly record struct TrainingStart((IReadOnlyList<float> Weights, float Bias)? Model, TrainingState? Previous)
{
    /// <summary>Whether it begins at given weights.</summary>
    public bool IsGiven => Model is not null || Previous is not null;

    /// <summary>The given weights and bias in raw units; null if there are none.</summary>
    public (IReadOnlyList<float> Weights, float Bias)? Raw()
    {
        if (Previous is not { } previous)
            return Model;
        double[] last = previous.Weights();
        (float[] weights, float bias) = previous.Scaling.ToRaw(last.AsSpan(..^1), last[^1], centerResiduals: false);
        return (previous.Scaling.Columns.ToFeatures(weights), bias);
    }

    public static TrainingStart Exchange(Archive file, TrainingStart start)
    {
        TrainingState? previous = file.Optional(start.Previous, TrainingState.Exchange);
        float[] weights = file.Array<float>([.. start.Model?.Weights ?? []]);
        float bias = file.Value(start.Model?.Bias);
        return new(weights is [] ? null : (weights, bias), previous);
    }

    /// <summary>Weights by column and the bias to begin with, in the units of training.</summary>
    public float[] Weights(Scaling scaling, PlanSettings settings)
    {
        if (Raw() is not { } raw)
            return InitialWeights.Draw(scaling.Columns, settings);
        (float[] scaled, float scaledBias) = scaling.FromRaw(raw.Weights, raw.Bias);
        return [.. scaled, scaledBias];
    }
}
