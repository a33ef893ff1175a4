using System.Globalization;
using MlNetRms.Checkpoints;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Settings;

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
