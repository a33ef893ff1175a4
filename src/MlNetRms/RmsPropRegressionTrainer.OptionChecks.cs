using Microsoft.ML.Trainers;
using MlNetRms.Settings;

namespace MlNetRms;

public sealed partial class RmsPropRegressionTrainer
{
    public sealed partial class Options
    {
        /// <summary>A copy, checked.</summary>
        /// <exception cref="ArgumentException">A column name is missing, or two options exclude each other.</exception>
        /// <exception cref="ArgumentNullException">The schedule is null.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A number is outside its range, infinite or NaN.</exception>
        internal Options CheckedCopy()
        {
            var copy = (Options)MemberwiseClone();
            copy.Validate();
            return copy;
        }

        private void Validate()
        {
            Require.NonEmpty(LabelColumnName, nameof(LabelColumnName));
            Require.NonEmpty(FeatureColumnName, nameof(FeatureColumnName));
            if (ExampleWeightColumnName is not null)
                Require.NonEmpty(ExampleWeightColumnName, nameof(ExampleWeightColumnName));
            Require.Positive(LearningRate, nameof(LearningRate));
            ArgumentNullException.ThrowIfNull(LearningRateSchedule);
            Require.InUnitInterval(Alpha, nameof(Alpha));
            Require.Positive(Epsilon, nameof(Epsilon));
            Require.Defined(EpsilonPlacement, nameof(EpsilonPlacement));
            Require.InUnitInterval(Momentum, nameof(Momentum));
            if (L2Regularization is { } l2)
                Require.NonNegative(l2, nameof(L2Regularization));
            Require.NonNegative(L1Regularization, nameof(L1Regularization));
            if (GradientClippingNorm is { } norm)
                Require.Positive(norm, nameof(GradientClippingNorm));
            Require.AtLeastOne(BatchSize, nameof(BatchSize));
            if (NumberOfEpochs is { } epochs)
                Require.AtLeastOne(epochs, nameof(NumberOfEpochs));
            if (NumberOfThreads is { } threads)
                Require.AtLeastOne(threads, nameof(NumberOfThreads));
            if (MemoryLimitInBytes is { } limit)
                Require.AtLeastOne(limit, nameof(MemoryLimitInBytes));
            if (TemporaryDirectory is not null && !Directory.Exists(TemporaryDirectory))
                throw new ArgumentException($"{nameof(TemporaryDirectory)} '{TemporaryDirectory}' is no folder that exists.", nameof(TemporaryDirectory));
            Require.InClosedUnitInterval(AveragedFraction, nameof(AveragedFraction));
            Require.NonNegative(InitialWeightsStandardDeviation, nameof(InitialWeightsStandardDeviation));
            Require.InUnitInterval(ValidationFraction, nameof(ValidationFraction));
            EarlyStopping?.Validate();
            Checkpoint?.Validate();
            Exclude(ValidationFraction > 0, nameof(ValidationFraction), ValidationSet is not null, nameof(ValidationSet));
            Exclude(L1Regularization > 0, nameof(L1Regularization), Momentum > 0, nameof(Momentum));
            Exclude(L1Regularization > 0, nameof(L1Regularization), Centered, nameof(Centered));
            Exclude(Decorrelate == true, nameof(Decorrelate), L1Regularization > 0, nameof(L1Regularization));
            Exclude(Decorrelate == true, nameof(Decorrelate), NonNegativeWeights, nameof(NonNegativeWeights));
            if (Decorrelate == true && !Standardize)
                throw new ArgumentException($"{nameof(Decorrelate)} needs {nameof(Standardize)}.", nameof(Decorrelate));
            if (LossFunction is PoissonLoss or TweedieLoss)
                throw new ArgumentException(
                    $"{LossFunction.GetType().Name} is for models whose score is the logarithm of the mean, or a positive mean; this model's score " +
                    "w·x + b is the mean itself and may be negative. For counts use mlContext.Regression.Trainers.LbfgsPoissonRegression.",
                    nameof(LossFunction));
        }

        private static void Exclude(bool first, string firstName, bool second, string secondName)
        {
            if (first && second)
                throw new ArgumentException($"{firstName} and {secondName} exclude each other: set one of them only.", firstName);
        }
    }
}
