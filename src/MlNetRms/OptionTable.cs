using System.Globalization;
using Microsoft.ML;
using MlNetRms.Settings;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms;

/// <summary>
/// Every option in one line: its name, its value, the values that are allowed, and where it must be the same. All checks, texts and comparisons of
/// options use this table.
/// </summary>
/// <remarks>An option that is a record has a line of its own and one for each of its properties.</remarks>
internal static class OptionTable
{
    public static IReadOnlyList<OptionLine> Lines { get; } =
    [
        new(nameof(Options.LabelColumnName), o => o.LabelColumnName, Is.Column, Same.Never),
        new(nameof(Options.FeatureColumnName), o => o.FeatureColumnName, Is.Column, Same.Never),
        new(nameof(Options.ExampleWeightColumnName), o => o.ExampleWeightColumnName, Is.ColumnOrNull, Same.Bits,
            o => IsSet(o.ExampleWeightColumnName)),
        new(nameof(Options.LearningRate), o => o.LearningRate, Is.Positive, Same.Bits),
        new(nameof(Options.LearningRateSchedule), o => o.LearningRateSchedule, Is.Set, Same.Bits),
        new(nameof(Options.Alpha), o => o.Alpha, Is.InUnitInterval, Same.Meaning),
        new(nameof(Options.Epsilon), o => o.Epsilon, Is.Positive, Same.Meaning),
        new(nameof(Options.EpsilonPlacement), o => o.EpsilonPlacement, Is.Defined<EpsilonPlacement>(), Same.Meaning),
        new(nameof(Options.BiasCorrection), o => o.BiasCorrection, Is.Anything, Same.Meaning),
        new(nameof(Options.Momentum), o => o.Momentum, Is.InUnitInterval, Same.Meaning),
        new(nameof(Options.Centered), o => o.Centered, Is.Anything, Same.Meaning),
        new(nameof(Options.L2Regularization), o => o.L2Regularization, Is.NonNegative, Same.Meaning),
        new(nameof(Options.L1Regularization), o => o.L1Regularization, Is.NonNegative, Same.Meaning),
        new(nameof(Options.NonNegativeWeights), o => o.NonNegativeWeights, Is.Anything, Same.Meaning),
        new(nameof(Options.GradientClippingNorm), o => o.GradientClippingNorm, Is.Positive, Same.Meaning),
        new(nameof(Options.LossFunction), o => o.LossFunction, LossFunctions.Check, Same.Meaning, o => LossFunctions.Bind(o.LossFunction).Name),
        new(nameof(Options.BatchSize), o => o.BatchSize, Is.AtLeastOne, Same.Bits),
        new(nameof(Options.NumberOfEpochs), o => o.NumberOfEpochs, Is.AtLeastOne, Same.Bits),
        new(nameof(Options.Tolerance), o => o.Tolerance, Is.Positive, Same.Bits),
        new(nameof(Options.AveragedFraction), o => o.AveragedFraction, Is.InClosedUnitInterval, Same.Bits),
        new(nameof(Options.Standardize), o => o.Standardize, Is.Anything, Same.Meaning),
        new(nameof(Options.Decorrelate), o => o.Decorrelate, Is.Anything, Same.Meaning),
        new(nameof(Options.Shuffle), o => o.Shuffle, Is.Anything, Same.Meaning),
        new(nameof(Options.InitialWeightsStandardDeviation), o => o.InitialWeightsStandardDeviation, Is.NonNegative, Same.Bits),
        new(nameof(Options.Seed), o => o.Seed, Is.Anything, Same.Meaning),
        new(nameof(Options.NumberOfThreads), o => o.NumberOfThreads, Is.AtLeastOne, Same.Never),
        new(nameof(Options.MemoryLimitInBytes), o => o.MemoryLimitInBytes, Is.AtLeastOne, Same.Never),
        new(nameof(Options.TemporaryDirectory), o => o.TemporaryDirectory, Is.Folder, Same.Never),
        new(nameof(Options.Collective), o => o.Collective, Is.Anything, Same.Never),
        new(nameof(Options.ValidationFraction), o => o.ValidationFraction, Is.InUnitInterval, Same.Bits),
        new(nameof(Options.ValidationSet), o => o.ValidationSet, Is.Anything, Same.Never),
        new(nameof(Options.EarlyStopping), o => o.EarlyStopping, Is.Anything, Same.Never),
        new("EarlyStopping.Patience", o => o.EarlyStopping?.Patience, Is.AtLeastOne, Same.Bits),
        new("EarlyStopping.MinimumImprovement", o => o.EarlyStopping?.MinimumImprovement, Is.InUnitInterval, Same.Bits),
        new(nameof(Options.Checkpoint), o => o.Checkpoint, Is.Anything, Same.Job, o => IsSet(o.Checkpoint)),
        new("Checkpoint.Path", o => o.Checkpoint?.Path, Is.Anything, Same.Never),
        new("Checkpoint.EveryEpochs", o => o.Checkpoint?.EveryEpochs, Is.AtLeastOne, Same.Never),
        new("Checkpoint.Interval", o => o.Checkpoint?.Interval, Is.AboveZero, Same.Never),
        new("Checkpoint.Keep", o => o.Checkpoint?.Keep, Is.Anything, Same.Never),
        new(nameof(Options.EpochCompleted), o => o.EpochCompleted, Is.Anything, Same.Checkpoint, o => IsSet(o.EpochCompleted)),
        new(nameof(Options.Progress), o => o.Progress, Is.Anything, Same.Never),
        new(nameof(Options.CancellationToken), o => o.CancellationToken, Is.Anything, Same.Never),
    ];

    /// <summary>Checks all options.</summary>
    /// <param name="options">The options.</param>
    /// <param name="parameter">What the caller's parameter is called.</param>
    /// <inheritdoc cref="CheckArguments" path="/exception"/>
    public static void Check(Options options, string parameter)
    {
        foreach (OptionLine line in Lines)
            line.Range(line.Value(options), line.Name, parameter);
        options.Checkpoint?.CheckPath(parameter, isWritten: options.Collective is null or { Rank: 0 });

        (string First, bool IsFirst, string Second, bool IsSecond)[] exclusions =
        [
            (nameof(Options.ValidationFraction), options.ValidationFraction > 0, nameof(Options.ValidationSet), options.ValidationSet is not null),
            (nameof(Options.L1Regularization), options.L1Regularization > 0, nameof(Options.Momentum), options.Momentum > 0),
            (nameof(Options.L1Regularization), options.L1Regularization > 0, nameof(Options.Centered), options.Centered),
            (nameof(Options.Decorrelate), options.Decorrelate == true, nameof(Options.L1Regularization), options.L1Regularization > 0),
            (nameof(Options.Decorrelate), options.Decorrelate == true, nameof(Options.NonNegativeWeights), options.NonNegativeWeights),
        ];
        foreach ((string first, bool isFirst, string second, bool isSecond) in exclusions)
        {
            if (isFirst && isSecond)
                throw new ArgumentException($"{first} and {second} exclude each other: set one of them only.", parameter);
        }
        if (options.Decorrelate == true && !options.Standardize)
            throw new ArgumentException($"{nameof(Options.Decorrelate)} needs {nameof(Options.Standardize)}.", parameter);
    }

    /// <summary>Checks options that came as arguments named like the options in camel case. The other options are at their defaults.</summary>
    /// <exception cref="ArgumentException">A column name is empty, a loss is not for this model, or two options exclude each other.</exception>
    /// <exception cref="ArgumentNullException">The schedule or a column name is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range, infinite or NaN.</exception>
    public static void CheckArguments(Options options)
    {
        foreach (OptionLine line in Lines)
        {
            string argument = char.ToLowerInvariant(line.Name[0]) + line.Name[1..];
            line.Range(line.Value(options), argument, argument);
        }
    }

    /// <summary>The options that must be the same there, as text.</summary>
    public static IReadOnlyList<NamedText> Compared(Options options, Same where) =>
        [.. Lines.Where(line => (line.Same & where) != 0)
            .Select(line => new NamedText(line.Name, line.Compared?.Invoke(options) ?? Text(line.Value(options))))];

    /// <summary>The options that are not at their defaults.</summary>
    public static IReadOnlyList<NamedText> Changed(Options options)
    {
        var defaults = new Options();
        return [.. Lines.Where(line => !Lines.Any(other => other.Name.StartsWith(line.Name + ".", StringComparison.Ordinal)))
            .Select(line => (line.Name, Value: line.Value(options), Default: line.Value(defaults)))
            .Where(line => !Equals(line.Value, line.Default))
            .Select(line => new NamedText(line.Name, line.Value is string text ? $"\"{text}\"" : Text(line.Value)))];
    }

    private static string IsSet(object? value) => value is null ? "null" : "set";

    /// <summary>Floats are written with as many digits as it takes to read the same number back.</summary>
    private static string Text(object? value) => value switch
    {
        null or Delegate or IProgress<TrainingProgress> or ICollective or IDataView => IsSet(value),
        System.Threading.CancellationToken token => token == default ? "none" : "set",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}

/// <param name="Name">Its name; of a property of an option that is a record, both names with a dot between them.</param>
/// <param name="Value">Its value.</param>
/// <param name="Range">Checks the value.</param>
/// <param name="Same">Where it must be the same.</param>
/// <param name="Compared">The text to compare, if that is not the value itself.</param>
internal sealed record OptionLine(string Name, Func<Options, object?> Value, RangeCheck Range, Same Same, Func<Options, string>? Compared = null);

/// <summary>Where an option must be the same.</summary>
[Flags]
internal enum Same
{
    Never = 0,

    /// <summary>In a training and in one that continues it with other rows or for more epochs.</summary>
    Continuation = 1,

    /// <summary>In a training and in the one that resumes its checkpoint.</summary>
    Checkpoint = 2,

    /// <summary>In all processes of a job.</summary>
    Job = 4,

    /// <summary>In both of these, because the bits of a training depend on it.</summary>
    Bits = Checkpoint | Job,

    /// <summary>It gives the numbers of a training their meaning.</summary>
    Meaning = Continuation | Bits,
}
