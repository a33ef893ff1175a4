using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>A training continued on rows with other correlations.</summary>
public sealed class ContinuedDecorrelationTests
{
    private readonly MLContext _ml = new(1);
    private readonly Examples _second = Some.Linear(7, 1000, 10);

    public static TheoryData<string> FirstParts => ["duplicate", "nearly duplicate", "fewer rows than columns", "like the second"];

    [Theory, MemberData(nameof(FirstParts))]
    public void Fit_AnyFirstPart_EndsNearTheLeastSquaresOfTheSecond(string firstPart)
    {
        Examples first = Some.Linear(5, firstPart == "fewer rows than columns" ? 8 : 500, 10);
        foreach (float[] row in first.Features)
        {
            row[1] = firstPart switch
            {
                "duplicate" => row[0],
                "nearly duplicate" => row[0] + 1e-4f * row[1],
                _ => row[1],
            };
        }
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp();

        RmsPropRegressionTransformer model = trainer.Fit(_second.View(_ml), trainer.Fit(first.View(_ml)));

        Assert.InRange(model.Rmse(_second) / new LeastSquares(_second).Rmse(_second) - 1, -1e-5, 1e-4);
    }

    [Fact]
    public void Fit_LikeRows_KeepsTheOptimisersState()
    {
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp(numberOfEpochs: 3);
        RmsPropRegressionTransformer first = trainer.Fit(Some.Linear(5, 1000, 10).View(_ml));

        RmsPropRegressionTransformer second = trainer.Fit(_second.View(_ml), first);

        Assert.Equal(2 * first.State.Parameters.StepCount, second.State.Parameters.StepCount);
    }

    [Fact]
    public void Fit_RowsOfOtherCorrelation_BeginsWithTheLastWeights()
    {
        // The same true weights in both sets.
        Examples first = Some.Linear(7, 500, 10);
        float weight = _second.Fit().Model.Weights[1];
        for (int row = 0; row < first.Count; row++)
        {
            float moved = first.Features[row][0] + 0.1f * first.Features[row][1];
            first.Labels[row] += weight * (moved - first.Features[row][1]);
            first.Features[row][1] = moved;
        }
        RmsPropRegressionTransformer previous = _ml.Regression.Trainers.RmsProp(new Options { AveragedFraction = 0 }).Fit(first.View(_ml));

        RmsPropRegressionTransformer next = _ml.Regression.Trainers.RmsProp(new Options { BatchSize = _second.Count, NumberOfEpochs = 1 })
            .Fit(_second.View(_ml), previous);

        Assert.Equal(1, next.State.Parameters.StepCount);        // other correlations, so the state is not kept
        double expected = 0.5 * Math.Pow(previous.Rmse(_second), 2);
        Assert.InRange(expected, 0, 0.5);        // better than no weights, otherwise they would not be kept
        Assert.Equal(expected, next.Training.Epochs[0].Loss, 1e-3 * expected);
    }

    [Theory]
    [InlineData(520, null, 0)]        // too many to decorrelate from the start
    [InlineData(20, null, 20)]
    [InlineData(20, false, 0)]
    public void Fit_TwoTrainingsWithACommonFactor_AreOneOfTwoEpochsBitForBit(int columns, bool? decorrelate, int decorrelated)
    {
        IDataView view = Some.WithFactors(1, 400, columns, [0.5]).View(_ml);
        RmsPropRegressionTrainer Trainer(int epochs) => _ml.Regression.Trainers.RmsProp(
            new Options { NumberOfEpochs = epochs, LearningRateSchedule = LearningRateSchedule.Constant, Decorrelate = decorrelate });

        RmsPropRegressionTransformer second = Trainer(1).Fit(view, Trainer(1).Fit(view));

        Assert.Equal(decorrelated, second.Training.DecorrelatedFeatures);
        Assert.Equal(Trainer(2).Fit(view).Parameters(), second.Parameters());
    }

    /// <summary>With example weights the packed rows of 14 columns are longer by one vector.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fit_WhitenedRowsWithOrWithoutWeights_GoOnWithTheOthers(bool isFirstWeighted)
    {
        IDataView view = Some.WithFactors(1, 400, 14, [0.5], weighted: true).View(_ml);
        RmsPropRegressionTrainer Trainer(bool isWeighted) => _ml.Regression.Trainers.RmsProp(
            new Options { NumberOfEpochs = 10, ExampleWeightColumnName = isWeighted ? nameof(Example.Weight) : null });
        RmsPropRegressionTransformer first = Trainer(isFirstWeighted).Fit(view);

        RmsPropRegressionTransformer second = Trainer(!isFirstWeighted).Fit(view, first);

        Assert.Equal((14, 14), (first.Training.DecorrelatedFeatures, second.Training.DecorrelatedFeatures));
        Assert.Equal(2 * first.State.Parameters.StepCount, second.State.Parameters.StepCount);
        Assert.InRange(second.Training.Epochs[0].Loss, 0, 0.5 * first.Training.Epochs[0].Loss);
    }

    [Fact]
    public void Fit_RowsWithoutTheCommonFactor_StartsWithANewState()
    {
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp(numberOfEpochs: 3);
        RmsPropRegressionTransformer first = trainer.Fit(Some.WithFactors(1, 400, 20, [0.5]).View(_ml));

        RmsPropRegressionTransformer second = trainer.Fit(Some.Linear(1, 400, 20).View(_ml), first);

        Assert.Equal(first.State.Parameters.StepCount, second.State.Parameters.StepCount);
    }

    /// <summary>The coordinates of later rounds are those of the rows of one training; the weights count.</summary>
    [Fact]
    public void Fit_TrainingThatEndedInCoordinatesOfAllColumns_BeginsWithItsWeights()
    {
        IDataView view = Some.WithFactors(1, 1500, 600, [0.6]).View(_ml);
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp();
        RmsPropRegressionTransformer first = trainer.Fit(view);

        RmsPropRegressionTransformer second = _ml.Regression.Trainers.RmsProp(new Options { LearningRate = 1e-7f, Tolerance = 1 }).Fit(view, first);

        Assert.Equal(600, first.Training.DecorrelatedFeatures);
        Assert.InRange(first.Training.OptimalityGap!.Share, 0, first.Training.Diagnostics.Tolerance);
        Assert.Equal(first.Training.TrainingLoss, second.Training.Epochs[0].Loss, 1e-3 * first.Training.TrainingLoss);
    }
}
