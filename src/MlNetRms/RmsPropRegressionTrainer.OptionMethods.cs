using Microsoft.ML;

namespace MlNetRms;

public sealed partial class RmsPropRegressionTrainer
{
    public sealed partial class Options
    {
        /// <summary>
        /// RMSProp as the book "Dive into Deep Learning" teaches it: η = 0.01 constant, γ = α = 0.9, ε = 1e-6 inside the root,
        /// no bias correction, batches of 10, 2 epochs, first weights from N(0, 0.01²), no averaging, and no standardisation:
        /// the data should be standardised beforehand. A new object each time.
        /// </summary>
        /// <returns>The options, to be changed at will.</returns>
        public static Options Textbook() => new()
        {
            LearningRate = 0.01f,
            LearningRateSchedule = LearningRateSchedule.Constant,
            Alpha = 0.9f,
            Epsilon = 1e-6f,
            EpsilonPlacement = EpsilonPlacement.InsideSquareRoot,
            BiasCorrection = false,
            BatchSize = 10,
            NumberOfEpochs = 2,
            AveragedFraction = 0,
            Standardize = false,
            InitialWeightsStandardDeviation = 0.01f,
        };

        /// <summary>A copy that can be changed without this one; what the options refer to is shared.</summary>
        /// <returns>The copy.</returns>
        public Options Clone() => (Options)MemberwiseClone();

        /// <summary>The options that are not at their defaults, invariant culture.</summary>
        /// <returns>For example "Options { BatchSize = 32, NumberOfEpochs = 7 }, the others at their defaults".</returns>
        public override string ToString()
        {
            var defaults = new Options();
#pragma warning disable RS0030 // Lists the options, all of them public.
            string[] changed = [.. typeof(Options).GetProperties().Where(option => !Equals(option.GetValue(this), option.GetValue(defaults)))
                .Select(option => FormattableString.Invariant($"{option.Name} = {Text(option.GetValue(this))}"))];
#pragma warning restore RS0030
            return changed.Length == 0 ? "Options, all at their defaults" : $"Options {{ {string.Join(", ", changed)} }}, the others at their defaults";
        }

        private static object? Text(object? value) => value switch
        {
            string => $"\"{value}\"",
            Delegate or IProgress<TrainingProgress> or ICollective or IDataView or System.Threading.CancellationToken => "set",
            null => "null",
            _ => value,
        };
    }
}
