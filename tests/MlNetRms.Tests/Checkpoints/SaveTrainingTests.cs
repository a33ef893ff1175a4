using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Checkpoints;

/// <summary>A training that is saved, read and continued has the bits of one that is continued at once.</summary>
public sealed class SaveTrainingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("some.training");

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Forms => [.. TrainingForms.All.Keys];

    [Theory, MemberData(nameof(Forms))]
    public void Fit_SavedTraining_IsTheSameAsContinuingItAtOnce(string form)
    {
        (Examples rows, Func<Options> make) = TrainingForms.All[form];
        RmsPropRegressionTrainer trainer = Interrupted.Trainer(TrainingForms.Short(make()));
        IDataView view = rows.View(new MLContext(1));
        RmsPropRegressionTransformer first = trainer.Fit(view);

        first.SaveTraining(Path);
        SavedTraining saved = SavedTraining.Load(Path);

        Assert.Equal(first.State.TotalEpochs, saved.NumberOfEpochs);
        Interrupted.AssertSame(trainer.Fit(view, first), trainer.Fit(view, saved));
        Assert.Equal(["some.training"], _folder.Files);
    }

    [Fact]
    public void Fit_SavedTrainingAndOtherRows_IsTheSameAsContinuingItAtOnce()
    {
        foreach ((Examples rows, Examples others) in new[]
        {
            (TrainingForms.Dense, Some.Linear(2, 100, [1, 10, 0.1, 3], means: [6, 0, 1, 0], labelScale: 2)),
            (TrainingForms.Sparse, Some.MostlyZero(2, 500, 2, 330, 4)),
        })
        {
            RmsPropRegressionTrainer trainer = Interrupted.Trainer(TrainingForms.Short(new() { Decorrelate = true }));
            RmsPropRegressionTransformer first = trainer.Fit(rows.View(new MLContext(1)));
            first.SaveTraining(Path);
            IDataView view = others.View(new MLContext(1));

            Interrupted.AssertSame(trainer.Fit(view, first), trainer.Fit(view, SavedTraining.Load(Path)));
        }
    }

    [Fact]
    public void Load_KeptCheckpoint_IsTheFinishedTraining()
    {
        Options options = TrainingForms.Short(new() { Checkpoint = new() { Path = Path, Keep = true } });
        IDataView view = TrainingForms.Dense.View(new MLContext(1));
        RmsPropRegressionTransformer first = Interrupted.Trainer(options).Fit(view);
        options.Checkpoint = null;

        Interrupted.AssertSame(Interrupted.Trainer(options).Fit(view, first), Interrupted.Trainer(options).Fit(view, SavedTraining.Load(Path)));
    }

    [Fact]
    public void Load_CheckpointOfATrainingThatIsNotFinished_GoesOnFromItsWeights()
    {
        Options options = TrainingForms.Short(new() { NumberOfEpochs = 200, Checkpoint = new() { Path = Path, EveryEpochs = 100 } });
        int files = 0;
        Assert.Throws<Interrupted.BreakException>(() =>
            Interrupted.Fit(TrainingForms.Dense, options, path => ++files == 3 ? throw new Interrupted.BreakException() : Interrupted.Create(path)));
        SavedTraining saved = SavedTraining.Load(Path);
        (options.Checkpoint, options.NumberOfEpochs, options.LearningRate) = (null, 1, 0.001f);

        RmsPropRegressionTransformer model = Interrupted.Trainer(options).Fit(TrainingForms.Dense.View(new MLContext(1)), saved);

        Assert.Equal((100, 101), (saved.NumberOfEpochs, model.State.TotalEpochs));
        Assert.InRange(model.Rmse(TrainingForms.Dense), 0, 1.1 * Interrupted.Fit(TrainingForms.Dense, new()).Rmse(TrainingForms.Dense));
    }

    [Fact]
    public void Fit_SavedTrainingOfOtherOptions_ThrowsWithTheOption()
    {
        Interrupted.Fit(TrainingForms.Dense, TrainingForms.Short(new() { Momentum = 0.5f })).SaveTraining(Path);

        var exception = Assert.Throws<ArgumentException>(() =>
            Interrupted.Trainer(TrainingForms.Short(new())).Fit(TrainingForms.Dense.View(new MLContext(1)), SavedTraining.Load(Path)));

        Assert.Equal("previous", exception.ParamName);
        Assert.Contains("Momentum 0.5, this trainer has 0.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SaveTraining_FileThere_ReplacesIt()
    {
        File.WriteAllText(Path, "old");

        Interrupted.Fit(TrainingForms.Dense, TrainingForms.Short(new())).SaveTraining(Path);

        Assert.Equal(5, SavedTraining.Load(Path).NumberOfEpochs);
    }

    [Fact]
    public void SaveAndLoad_BadPath_Throws()
    {
        RmsPropRegressionTransformer model = Interrupted.Fit(TrainingForms.Dense, TrainingForms.Short(new()));

        Assert.Throws<ArgumentNullException>(() => model.SaveTraining(null!));
        Assert.Throws<ArgumentException>(() => SavedTraining.Load(""));
        Assert.Throws<ArgumentNullException>(() => Interrupted.Trainer(new()).Fit(TrainingForms.Dense.View(new MLContext(1)), (SavedTraining)null!));
        Assert.Contains("none", Assert.Throws<IOException>(() => model.SaveTraining(_folder.File("none/some.training"))).Message,
            StringComparison.Ordinal);
        Assert.ThrowsAny<IOException>(() => SavedTraining.Load(_folder.File("none")));
        File.WriteAllText(Path, "something else");
        Assert.Throws<InvalidDataException>(() => SavedTraining.Load(Path));
    }
}
