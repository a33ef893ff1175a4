using Microsoft.ML.Data;
using MlNetRms.Host;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Contract;

/// <summary>GetOutputSchema promises what Transform delivers and what ML.NET's own trainers promise.</summary>
public sealed class SchemaContractTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GetOutputSchema_OfTrainer_PromisesWhatTransformDelivers(bool slotNames)
    {
        var ml = new MLContext(1);
        IDataView view = Some.Linear(1, 50, 2).View(ml, slotNames ? ["First", "Second"] : null);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(numberOfEpochs: 1);

        SchemaShape promised = trainer.GetOutputSchema(MlNetInternals.ShapeOf(view.Schema));

        RmsPropRegressionTransformer model = trainer.Fit(view);
        Assert.Equal(Shapes.Describe(MlNetInternals.ShapeOf(model.Transform(view).Schema)), Shapes.Describe(promised));
        Assert.Equal(Shapes.Describe(MlNetInternals.ShapeOf(model.GetOutputSchema(view.Schema))), Shapes.Describe(promised));
    }

    [Fact]
    public void GetOutputSchema_OfTrainer_PromisesWhatTheBuiltInTrainersPromise()
    {
        var ml = new MLContext(1);
        SchemaShape input = MlNetInternals.ShapeOf(Some.Linear(1, 5, 2).View(ml).Schema);

        string[] promised = Shapes.Describe(ml.Regression.Trainers.RmsProp().GetOutputSchema(input));

        Assert.Equal(Shapes.Describe(ml.Regression.Trainers.Sdca().GetOutputSchema(input)), promised);
        Assert.Equal(Shapes.Describe(ml.Regression.Trainers.OnlineGradientDescent().GetOutputSchema(input)), promised);
    }

    [Fact]
    public void GetOutputSchema_InputHasAScoreAlready_ReplacesIt()
    {
        var ml = new MLContext(1);
        IDataView view = ml.Transforms.CopyColumns("Score", "Features").Fit(Some.Linear(1, 5, 2).View(ml)).Transform(Some.Linear(1, 5, 2).View(ml));
        SchemaShape input = MlNetInternals.ShapeOf(view.Schema);

        string[] promised = Shapes.Describe(ml.Regression.Trainers.RmsProp().GetOutputSchema(input));

        Assert.Equal(Shapes.Describe(ml.Regression.Trainers.Sdca().GetOutputSchema(input)), promised);
        RmsPropRegressionTransformer model = ml.Regression.Trainers.RmsProp().Fit(view);
        Assert.Equal(Shapes.Describe(MlNetInternals.ShapeOf(model.Transform(view).Schema)), promised);
    }

    [Fact]
    public void GetOutputSchema_OfTransformer_NeedsOnlyTheFeatures()
    {
        var ml = new MLContext(1);
        Examples rows = Some.Linear(1, 50, 2);
        RmsPropRegressionTransformer model = rows.Fit();
        IDataView featuresOnly = ml.Transforms.SelectColumns("Features").Fit(rows.View(ml)).Transform(rows.View(ml));

        Assert.Equal(NumberDataViewType.Single, model.GetOutputSchema(featuresOnly.Schema)["Score"].Type);
        Assert.Equal(model.Scores(rows.View(ml)), model.Scores(featuresOnly));
    }
}
