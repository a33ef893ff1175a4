using System.Globalization;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Solver;

/// <summary>
/// All of a training, as plain data that no other object changes: what fixes it, and all that changes while it runs. Enough to
/// continue as if there had been no break, whether in the middle of a training or with a new one. Independent of how the
/// columns are stored.
/// </summary>
/// <param name="Identity">The settings that give the numbers their meaning.</param>
/// <param name="Plan">How long the training is.</param>
/// <param name="Scaling">The units.</param>
/// <param name="L2">λ of the L2 penalty as it took effect.</param>
/// <param name="Parameters">Weights, the rule's state, and the running average.</param>
/// <param name="EpochsBefore">Epochs of the trainings that this one continues, so that each epoch has its own order of batches.</param>
/// <param name="StepsBefore">Their steps.</param>
/// <param name="Epoch">Epochs done in this training.</param>
/// <param name="Part">What has been done of the next one.</param>
/// <param name="StopReason">Why it ended, if it has ended before its last epoch.</param>
/// <param name="Best">The best epoch so far, with early stopping.</param>
/// <param name="Reports">Of the epochs so far.</param>
/// <param name="Elapsed">Time that it has taken.</param>
internal sealed record TrainingState(
    TrainingIdentity Identity, TrainingPlan Plan, Scaling Scaling, float L2, ParameterState Parameters,
    int EpochsBefore, long StepsBefore, int Epoch, EpochPart Part, StopReason StopReason, BestEpochState? Best, IReadOnlyList<EpochReport> Reports,
    TimeSpan Elapsed)
{
    /// <summary>Epochs done, those before included.</summary>
    public int TotalEpochs => EpochsBefore + Epoch;

    /// <summary>The last weights by column and the bias, in the units of <see cref="Scaling"/>.</summary>
    public double[] Weights()
    {
        double[] weights = Array.ConvertAll(Parameters.Values, value => (double)value);
        if (Parameters.Whitening is not { } whitening)
            return weights;
        RowLayout layout = LayoutOf(Scaling);
        int[] dense = [.. Enumerable.Range(0, layout.ColumnCount).Where(column => layout.Position(column) < layout.DenseCount)];
        double[] coordinates = Array.ConvertAll(dense, column => weights[column]);
        coordinates = whitening.ToWeights(coordinates);
        for (int lane = 0; lane < dense.Length; lane++)
            weights[dense[lane]] = coordinates[lane];
        return weights;
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="FormatException">The parts do not fit together.</exception>
    public static TrainingState Read(CheckpointReader reader)
    {
        TrainingIdentity identity = TrainingIdentity.Read(reader);
        var plan = new TrainingPlan(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64());
        var scaling = new Scaling(reader);
        float l2 = reader.ReadSingle();
        var parameters = ParameterState.Exchange(Archive.ToRead(reader.BaseStream, reader.Remaining), null, LayoutOf(scaling));
        var state = new TrainingState(identity, plan, scaling, l2, parameters, reader.ReadInt32(), reader.ReadInt64(), reader.ReadInt32(),
            new EpochPart(reader.ReadInt32(), new LossSum(reader.ReadDouble(), reader.ReadDouble())), reader.ReadEnum<StopReason>(),
            reader.ReadOptional(() => new BestEpochState(reader.ReadInt32(), reader.ReadDouble(), reader.ReadArray<double>(scaling.Columns.Count + 1))),
            ReadReports(reader), new TimeSpan(reader.ReadInt64()));
        bool fits = identity.FeatureCount == scaling.Columns.FeatureCount && state is { Epoch: >= 0, EpochsBefore: >= 0, StepsBefore: >= 0 }
            && state.Epoch <= plan.NumberOfEpochs && state.Part.Steps >= 0 && state.Part.Steps <= plan.StepsPerEpoch;
        return fits ? state : throw new FormatException();
    }

    public void Write(BinaryWriter writer)
    {
        Identity.Write(writer);
        writer.Write(Plan.BatchSize);
        writer.Write(Plan.StepsPerEpoch);
        writer.Write(Plan.NumberOfEpochs);
        writer.Write(Plan.AveragedSteps);
        Scaling.Write(writer);
        writer.Write(L2);
        ParameterState.Exchange(Archive.ToWrite(writer.BaseStream), Parameters, LayoutOf(Scaling));
        writer.Write(EpochsBefore);
        writer.Write(StepsBefore);
        writer.Write(Epoch);
        writer.Write(Part.Steps);
        writer.Write(Part.Losses.Loss);
        writer.Write(Part.Losses.Weight);
        writer.WriteEnum(StopReason);
        writer.WriteOptional(Best, best =>
        {
            writer.Write(best!.Epoch);
            writer.Write(best.Loss);
            writer.WriteArray<double>(best.Weights);
        });
        writer.Write(Reports.Count);
        foreach (EpochReport report in Reports)
        {
            writer.Write(report.Epoch);
            writer.Write(report.NumberOfEpochs);
            writer.Write(report.Step);
            writer.Write(report.Loss);
            writer.WriteOptional(report.ValidationLoss, loss => writer.Write(loss!.Value));
            writer.Write(report.LearningRate);
            writer.Write(report.Elapsed.Ticks);
            writer.Write(report.RowsPerSecond);
        }
        writer.Write(Elapsed.Ticks);
    }

    private static List<EpochReport> ReadReports(CheckpointReader reader)
    {
        var reports = new List<EpochReport>();
        for (int left = reader.ReadInt32(); left > 0; left--)
        {
            reports.Add(new EpochReport
            {
                Epoch = reader.ReadInt32(),
                NumberOfEpochs = reader.ReadInt32(),
                Step = reader.ReadInt64(),
                Loss = reader.ReadDouble(),
                ValidationLoss = reader.ReadOptionalValue(reader.ReadDouble),
                LearningRate = reader.ReadSingle(),
                Elapsed = new TimeSpan(reader.ReadInt64()),
                RowsPerSecond = reader.ReadDouble(),
            });
        }
        return reports;
    }

    private static RowLayout LayoutOf(Scaling scaling) => new(scaling.Columns, scaling.IsSparse, hasWeights: false);
}

/// <summary>What is in a file: a training, and what must be the same for it to continue. Of a training that was saved to be continued later nothing must.</summary>
internal sealed record SavedContent(IReadOnlyList<(string Name, string Value)> Conditions, TrainingState State)
{
    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="FormatException">The parts do not fit together.</exception>
    public static SavedContent Read(CheckpointReader reader)
    {
        var conditions = new List<(string, string)>();
        for (int left = reader.ReadInt32(); left > 0; left--)
            conditions.Add((reader.ReadString(), reader.ReadString()));
        return new(conditions, TrainingState.Read(reader));
    }

    public void Write(BinaryWriter writer)
    {
        writer.Write(Conditions.Count);
        foreach ((string name, string value) in Conditions)
        {
            writer.Write(name);
            writer.Write(value);
        }
        State.Write(writer);
    }
}

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

/// <summary>The settings that must be the same for a training to be continued: those that give its state its meaning.</summary>
/// <remarks>
/// The length, batch size, learning rate and schedule, averaging, validation and threads may differ: they say what is done next, not what the
/// numbers so far mean.
/// </remarks>
internal sealed record TrainingIdentity(
    int FeatureCount, bool Standardize, bool Shuffle, int Seed, RuleSettings Rule, PenaltySettings Penalties, bool? Decorrelate, string Loss)
{
    public static TrainingIdentity Of(int featureCount, TrainingSettings settings) => new(
        featureCount, settings.Reading.Standardize, settings.Reading.Shuffle, settings.Reading.Seed,
        settings.Rule, settings.Penalties, settings.Decorrelate, settings.Loss.Name);

    /// <summary>The first option in which <paramref name="other"/> differs, with both values; null if there is none.</summary>
    public (string Option, string Mine, string Theirs)? FirstDifference(TrainingIdentity other)
    {
        foreach (((string option, object? mine), (_, object? theirs)) in Values().Zip(other.Values()))
        {
            if (!Equals(mine, theirs))
                return (option, Text(mine), Text(theirs));
        }
        return null;
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static TrainingIdentity Read(CheckpointReader reader) => new(
        reader.ReadInt32(), reader.ReadBoolean(), reader.ReadBoolean(), reader.ReadInt32(),
        new RuleSettings(reader.ReadSingle(), reader.ReadSingle(), reader.ReadEnum<EpsilonPlacement>(), reader.ReadBoolean(), reader.ReadSingle(), reader.ReadBoolean()),
        new PenaltySettings(reader.ReadOptionalValue(reader.ReadSingle), reader.ReadSingle(), reader.ReadBoolean(), reader.ReadOptionalValue(reader.ReadSingle)),
        reader.ReadOptionalValue(reader.ReadBoolean), reader.ReadString());

    public void Write(BinaryWriter writer)
    {
        writer.Write(FeatureCount);
        writer.Write(Standardize);
        writer.Write(Shuffle);
        writer.Write(Seed);
        writer.Write(Rule.Alpha);
        writer.Write(Rule.Epsilon);
        writer.WriteEnum(Rule.EpsilonPlacement);
        writer.Write(Rule.BiasCorrection);
        writer.Write(Rule.Momentum);
        writer.Write(Rule.Centered);
        writer.WriteOptional(Penalties.L2, value => writer.Write(value!.Value));
        writer.Write(Penalties.L1);
        writer.Write(Penalties.NonNegativeWeights);
        writer.WriteOptional(Penalties.GradientClippingNorm, value => writer.Write(value!.Value));
        writer.WriteOptional(Decorrelate, value => writer.Write(value!.Value));
        writer.Write(Loss);
    }

    /// <summary>The options with their values.</summary>
    public IEnumerable<(string Option, object? Value)> Values() =>
    [
        (nameof(Options.Standardize), Standardize),
        (nameof(Options.Shuffle), Shuffle),
        (nameof(Options.Seed), Seed),
        (nameof(Options.Alpha), Rule.Alpha),
        (nameof(Options.Epsilon), Rule.Epsilon),
        (nameof(Options.EpsilonPlacement), Rule.EpsilonPlacement),
        (nameof(Options.BiasCorrection), Rule.BiasCorrection),
        (nameof(Options.Momentum), Rule.Momentum),
        (nameof(Options.Centered), Rule.Centered),
        (nameof(Options.L2Regularization), Penalties.L2),
        (nameof(Options.L1Regularization), Penalties.L1),
        (nameof(Options.NonNegativeWeights), Penalties.NonNegativeWeights),
        (nameof(Options.GradientClippingNorm), Penalties.GradientClippingNorm),
        (nameof(Options.Decorrelate), Decorrelate),
        (nameof(Options.LossFunction), Loss),
    ];

    public static string Text(object? value) => value is null ? "null" : Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
