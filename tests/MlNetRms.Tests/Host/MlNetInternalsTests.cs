using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using Microsoft.ML.Transforms;
using MlNetRms.Host;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Host;

/// <summary>One test for each door of ML.NET, so that a version which moves one fails with that door's name.</summary>
public sealed class MlNetInternalsTests
{
    private readonly MLContext _ml = new(1);

    [Fact]
    public void EnvironmentOf_RegressionTrainers_IsTheEnvironmentOfTheContext()
    {
        IHostEnvironment environment = MlNetInternals.EnvironmentOf(_ml.Regression.Trainers);

        var log = new List<string>();
        _ml.Log += (_, entry) => log.Add(entry.Message);
        using (IChannel channel = environment.Register("Someone").Start("Something"))
            channel.Warning(MessageSensitivity.None, "{0}", "heard");
        Assert.Contains(log, message => message.Contains("heard", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(17)]
    public void SeedOf_Context_IsItsSeed(int? seed) =>
        Assert.Equal(seed, MlNetInternals.SeedOf(MlNetInternals.EnvironmentOf(new MLContext(seed).Regression.Trainers)));

    [Fact]
    public void CheckAlive_ContextCancelled_ThrowsForHostsOfBefore()
    {
        IHost host = MlNetInternals.EnvironmentOf(_ml.Regression.Trainers).Register("Someone");
        MlNetInternals.CheckAlive(host);

        _ml.CancelExecution();

        Assert.Throws<OperationCanceledException>(() => MlNetInternals.CheckAlive(host));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void NewTrainerInfo_Flags_AreKept(bool needNormalization, bool wantCaching)
    {
        TrainerInfo info = MlNetInternals.NewTrainerInfo(needNormalization, wantCaching);

        Assert.Equal((needNormalization, wantCaching), (info.NeedNormalization, info.WantCaching));
    }

    [Fact]
    public void NewLinearModel_WeightsAndBias_AreKept()
    {
        LinearRegressionModelParameters model = MlNetInternals.NewLinearModel(_ml, [1, -2, 0], 4);

        Assert.Equal([1, -2, 0], model.Weights);
        Assert.Equal(4, model.Bias);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Score_Row_HasTheBitsOfTheTransformer(bool sparse)
    {
        Examples rows = Some.MostlyZero(1, 200, denseColumns: 2, sparseColumns: 20, nonZeros: 3);
        float[] weights = Some.Normals(2, rows.Width);

        float[] scores = Models.Linear(weights, 1e4f).Scores(rows.View(_ml, _ => sparse));

        LinearRegressionModelParameters model = MlNetInternals.NewLinearModel(_ml, weights, 1e4f);
        Assert.Equal(scores, rows.Features.Select(row =>
            MlNetInternals.Score(model, sparse ? Examples.Sparse(row) : new VBuffer<float>(row.Length, row))));
    }

    [Theory]
    [InlineData(SchemaShape.Column.VectorKind.Scalar, true)]
    [InlineData(SchemaShape.Column.VectorKind.VariableVector, false)]
    public void NewColumn_Properties_AreKept(SchemaShape.Column.VectorKind kind, bool isKey)
    {
        SchemaShape.Column inner = MlNetInternals.NewColumn("Inner", SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, isKey: false);

        SchemaShape.Column column = MlNetInternals.NewColumn("Outer", kind, NumberDataViewType.UInt32, isKey, new SchemaShape([inner]));

        Assert.Equal(("Outer", kind, isKey), (column.Name, column.Kind, column.IsKey));
        Assert.Equal(NumberDataViewType.UInt32, column.ItemType);
        Assert.Equal("Inner", Assert.Single(column.Annotations).Name);
        Assert.Empty(inner.Annotations);
    }

    [Fact]
    public void ScopesOf_ChainOfAnyLastTransformer_AreThoseItWasMadeWith()
    {
        ITransformer copy = _ml.Transforms.CopyColumns("Copy", "Label").Fit(Some.Linear(1, 2, 2).View(_ml));
        TransformerScope[] scopes = [TransformerScope.None, TransformerScope.TrainTest, TransformerScope.Everything];

        Assert.Equal(scopes, MlNetInternals.ScopesOf(new TransformerChain<ITransformer>([copy, copy, copy], scopes)));
        Assert.Equal(scopes, MlNetInternals.ScopesOf(new TransformerChain<ColumnCopyingTransformer>([copy, copy, copy], scopes)));
    }

    [Fact]
    public void ShapeOf_Schema_HoldsItsColumnsAndAnnotations()
    {
        DataViewSchema schema = Some.Linear(1, 2, 2).View(_ml, ["First", "Second"]).Schema;

        SchemaShape shape = MlNetInternals.ShapeOf(schema);

        Assert.Equal(
        [
            "Features: Vector of Single [SlotNames: Vector of String []]",
            "Label: Scalar of Single []",
            "Weight: Scalar of Single []",
        ], Shapes.Describe(shape).Select(line => line.Replace("of Text", "of String", StringComparison.Ordinal)));
    }

    [Fact]
    public void RegressionTransformer_New_ScoresWithTheModel()
    {
        Examples rows = Some.Linear(1, 5, 2);
        IDataView view = rows.View(_ml);

        var transformer = MlNetInternals.RegressionTransformer<LinearRegressionModelParameters>.New(
            _ml, MlNetInternals.NewLinearModel(_ml, [2, -1], 0.5f), view.Schema, "Features");

        Assert.Equal("Features", transformer.FeatureColumnName);
        Assert.Equal(rows.Features.Select(row => 2.0 * row[0] - row[1] + 0.5), transformer.Scores(view).Select(score => (double)score),
            (expected, actual) => Math.Abs(expected - actual) < 1e-5);        // two additions of floats around 3
    }
}
