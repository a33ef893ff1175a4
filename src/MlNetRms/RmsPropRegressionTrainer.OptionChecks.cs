using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;


namespace MlNetRms;

public sealed partial class RmsPropRegressionTrainer
{
    public sealed partial class Options
    {
        /// <summary>What the parameter is called to which a caller passes options.</summary>
        private const string Parameter = "options";

        /// <summary>A copy, checked.</summary>
        /// <exception cref="ArgumentException">A column name is empty, or two options exclude each other.</exception>
        /// <exception cref="ArgumentNullException">The schedule or a column name is null.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A number is outside its range, infinite or NaN.</exception>
        internal Options CheckedCopy()
        {
            Options copy = Clone();
            copy.Validate();
            return copy;
        }

        private void Validate()
        {
            Require.ColumnName(LabelColumnName, nameof(LabelColumnName), Parameter);
            Require.ColumnName(FeatureColumnName, nameof(FeatureColumnName), Parameter);
            if (ExampleWeightColumnName is not null)
                Require.ColumnName(ExampleWeightColumnName, nameof(ExampleWeightColumnName), Parameter);
            Require.Positive(LearningRate, nameof(LearningRate), Parameter);
            Require.NotNull(LearningRateSchedule, nameof(LearningRateSchedule), Parameter);
            Require.InUnitInterval(Alpha, nameof(Alpha), Parameter);
            Require.Positive(Epsilon, nameof(Epsilon), Parameter);
            Require.Defined(EpsilonPlacement, nameof(EpsilonPlacement), Parameter);
            Require.InUnitInterval(Momentum, nameof(Momentum), Parameter);
            if (L2Regularization is { } l2)
                Require.NonNegative(l2, nameof(L2Regularization), Parameter);
            Require.NonNegative(L1Regularization, nameof(L1Regularization), Parameter);
            if (GradientClippingNorm is { } norm)
                Require.Positive(norm, nameof(GradientClippingNorm), Parameter);
            Require.AtLeastOne(BatchSize, nameof(BatchSize), Parameter);
            if (NumberOfEpochs is { } epochs)
                Require.AtLeastOne(epochs, nameof(NumberOfEpochs), Parameter);
            if (NumberOfThreads is { } threads)
                Require.AtLeastOne(threads, nameof(NumberOfThreads), Parameter);
            if (MemoryLimitInBytes is { } limit)
                Require.AtLeastOne(limit, nameof(MemoryLimitInBytes), Parameter);
            if (TemporaryDirectory is not null && !Directory.Exists(TemporaryDirectory))
                throw Wrong($"{nameof(TemporaryDirectory)} '{TemporaryDirectory}' is no folder that exists.");
            Require.InClosedUnitInterval(AveragedFraction, nameof(AveragedFraction), Parameter);
            Require.NonNegative(InitialWeightsStandardDeviation, nameof(InitialWeightsStandardDeviation), Parameter);
            Require.InUnitInterval(ValidationFraction, nameof(ValidationFraction), Parameter);
            EarlyStopping?.Validate(Parameter);
            Checkpoint?.Validate(Parameter, isWritten: Collective is null or { Rank: 0 });
            Exclude(ValidationFraction > 0, nameof(ValidationFraction), ValidationSet is not null, nameof(ValidationSet));
            Exclude(L1Regularization > 0, nameof(L1Regularization), Momentum > 0, nameof(Momentum));
            Exclude(L1Regularization > 0, nameof(L1Regularization), Centered, nameof(Centered));
            Exclude(Decorrelate == true, nameof(Decorrelate), L1Regularization > 0, nameof(L1Regularization));
            Exclude(Decorrelate == true, nameof(Decorrelate), NonNegativeWeights, nameof(NonNegativeWeights));
            if (Decorrelate == true && !Standardize)
                throw Wrong($"{nameof(Decorrelate)} needs {nameof(Standardize)}.");
            LossFunctions.Check(LossFunction, Parameter);
        }

        private static ArgumentException Wrong(string message, string parameter = Parameter) => new(message, parameter);

        private static void Exclude(bool first, string firstName, bool second, string secondName)
        {
            if (first && second)
                throw Wrong($"{firstName} and {secondName} exclude each other: set one of them only.");
        }
    }
}
