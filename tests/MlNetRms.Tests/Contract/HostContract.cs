using Microsoft.ML.Data;
using MlNetRms.Host;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Contract;

/// <summary>
/// What ML.NET's own tests require of every trainer and its transformer, for any regression trainer and through the public API. Each invariant is
/// a method that takes the trainer.
/// </summary>
internal sealed class HostContract
{
    private readonly MLContext _ml = new(1);
    private readonly HostViews _views;

    public HostContract() => _views = new HostViews(_ml);

    /// <summary>Every invariant by its name.</summary>
    public static IReadOnlyDictionary<string, Action<HostContract, IEstimator<ITransformer>>> Invariants { get; } =
        new Dictionary<string, Action<HostContract, IEstimator<ITransformer>>>
        {
            ["estimator promises the schema that is delivered, no more and no less"] = (contract, trainer) => contract.PromisedSchema(trainer),
            ["every annotation has the promised type and a value"] = (contract, trainer) => contract.Annotations(trainer),
            ["fit and promise fail on columns that are missing or mistyped"] = (contract, trainer) => contract.InvalidForFit(trainer),
            ["transform needs no label"] = (contract, trainer) => contract.FeaturesAlone(trainer),
            ["transform fails on features that are missing, mistyped or of another size"] = (contract, trainer) =>
                contract.InvalidForTransform(trainer),
            ["a saved and loaded transformer has the same schema and scores"] = (contract, trainer) => contract.SavedAndLoaded(trainer),
            ["cursors of all, even, odd and single columns read the same"] = (contract, trainer) => contract.ActiveColumns(trainer),
            ["inactive columns and other types have no getter"] = (contract, trainer) => contract.Getters(trainer),
            ["row ids are those of the input and do not collide"] = (contract, trainer) => contract.RowIds(trainer),
            ["shuffled cursors read every row once, with its score"] = (contract, trainer) => contract.ShuffledCursors(trainer),
            ["cursor sets read every row once, with its score"] = (contract, trainer) => contract.CursorSets(trainer),
            ["the row mapper has the transformer's schemas, needs only the features, and gives the same scores"] =
                (contract, trainer) => contract.RowMapper(trainer),
            ["scored rows go through a binary and a text file"] = (contract, trainer) => contract.Files(trainer),
            ["fit changes nothing that the next fit could see"] = (contract, trainer) => contract.FitTwice(trainer),
        };

    private void PromisedSchema(IEstimator<ITransformer> trainer)
    {
        foreach (IDataView view in _views.Alike)
        {
            string[] promised = Shapes.Describe(trainer.GetOutputSchema(MlNetInternals.ShapeOf(view.Schema)));
            ITransformer model = trainer.Fit(view);

            string[] delivered = Shapes.Describe(MlNetInternals.ShapeOf(model.Transform(view).Schema));

            Assert.Empty(promised.Except(delivered));
            Assert.Empty(delivered.Except(promised));
            Schemas.AssertSame(model.GetOutputSchema(view.Schema), model.Transform(view).Schema);
        }
    }

    private void Annotations(IEstimator<ITransformer> trainer)
    {
        IDataView scored = trainer.Fit(_views.Usual).Transform(_views.Usual);

        Assert.Equal(HostViews.SlotNames, Schemas.SlotNames(scored.Schema["Features"]));
        Assert.Equal(4, scored.Schema.Count);
        foreach (DataViewSchema.Column column in scored.Schema)
        {
            DataViewSchema annotations = column.Annotations.Schema;
            Assert.Equal(annotations.Count, annotations.Select(annotation => annotation.Name).Distinct().Count());
            Assert.All(annotations, annotation => Assert.NotEmpty(Schemas.Value(column, annotation)));
            Assert.Null(annotations.GetColumnOrNull("Unheard of"));
            ReadOnlyMemory<char> value = default;
            Assert.ThrowsAny<InvalidOperationException>(() => column.Annotations.GetValue("Unheard of", ref value));
        }
    }

    private void InvalidForFit(IEstimator<ITransformer> trainer)
    {
        foreach (IDataView invalid in _views.WithoutFeatures.Append(_views.FeaturesOnly).Append(_views.TextLabel))
        {
            MustFail(() => trainer.GetOutputSchema(MlNetInternals.ShapeOf(invalid.Schema)));
            MustFail(() => trainer.Fit(invalid));
        }
    }

    private void FeaturesAlone(IEstimator<ITransformer> trainer)
    {
        ITransformer model = trainer.Fit(_views.Usual);

        Schemas.AssertSame(model.GetOutputSchema(_views.FeaturesOnly.Schema), model.Transform(_views.FeaturesOnly).Schema);
        Assert.Equal(model.Scores(_views.Usual), model.Scores(_views.FeaturesOnly));
    }

    private void InvalidForTransform(IEstimator<ITransformer> trainer)
    {
        ITransformer model = trainer.Fit(_views.Usual);
        IDataView ofAnotherSize = Some.Linear(1, 5, 2).View(_ml);

        foreach (IDataView invalid in _views.WithoutFeatures.Append(ofAnotherSize))
        {
            foreach (ITransformer transformer in new[] { model, Loaded(model) })
            {
                MustFail(() => transformer.GetOutputSchema(invalid.Schema));
                MustFail(() => transformer.Transform(invalid));
                MustFail(() => transformer.GetRowToRowMapper(invalid.Schema));
            }
        }
    }

    private void SavedAndLoaded(IEstimator<ITransformer> trainer)
    {
        foreach (IDataView view in _views.Alike)
        {
            ITransformer model = trainer.Fit(view);
            ITransformer loaded = Loaded(model);
            foreach (IDataView data in new[] { view, _views.FeaturesOnly })
            {
                Schemas.AssertSame(model.GetOutputSchema(data.Schema), loaded.GetOutputSchema(data.Schema));
                Schemas.AssertSame(model.Transform(data).Schema, loaded.Transform(data).Schema);
                AssertSameRows(Scored.Read(model.Transform(data)), Scored.Read(loaded.Transform(data)));
            }
        }
    }

    private void ActiveColumns(IEstimator<ITransformer> trainer)
    {
        foreach (IDataView view in _views.Alike)
        {
            ITransformer model = trainer.Fit(view);
            Scored.Cells[] all = Scored.Read(model.Transform(view));
            Assert.Equal(HostViews.RowCount, all.Length);
            IDataView loaded = Loaded(model).Transform(view);
            Func<int, bool>[] single = [.. loaded.Schema.Select(column => (Func<int, bool>)(index => index == column.Index))];

            foreach (Func<int, bool> columns in (Func<int, bool>[])[column => column % 2 == 0, column => column % 2 == 1, _ => false, .. single])
                AssertSameRows([.. all.Select(row => row with { Values = row.Of(columns) })], Scored.Read(loaded, columns));
        }
    }

    private void Getters(IEstimator<ITransformer> trainer)
    {
        IDataView scored = trainer.Fit(_views.Usual).Transform(_views.Usual);
        using DataViewRowCursor cursor = scored.GetRowCursor([scored.Schema["Score"]]);

        Assert.True(cursor.IsColumnActive(scored.Schema["Score"]));
        Assert.False(cursor.IsColumnActive(scored.Schema["Name"]));
        MustFail(() => cursor.GetGetter<ReadOnlyMemory<char>>(scored.Schema["Name"]));
        MustFail(() => cursor.GetGetter<double>(scored.Schema["Score"]));
    }

    private void RowIds(IEstimator<ITransformer> trainer)
    {
        foreach (IDataView view in _views.Alike)
        {
            DataViewRowId[] ids = [.. Scored.Read(trainer.Fit(view).Transform(view)).Select(row => row.Id)];

            Assert.Equal(Scored.Read(view).Select(row => row.Id), ids);
            Assert.Equal(HostViews.RowCount, ids.Distinct().Count());
        }
    }

    private void ShuffledCursors(IEstimator<ITransformer> trainer)
    {
        foreach (IDataView view in _views.Alike)
        {
            IDataView scored = trainer.Fit(view).Transform(view);
            Scored.Cells[] straight = Scored.Read(scored);

            Scored.Cells[] shuffled = Scored.Read(scored, _ => true, new Random(7));

            Assert.Equal(view.CanShuffle, scored.CanShuffle);
            if (scored.CanShuffle)
                Assert.NotEqual(straight.Select(row => row.Id), shuffled.Select(row => row.Id));
            else
                AssertSameRows(straight, shuffled);
            AssertSameRows(InOrder(straight), InOrder(shuffled));
            AssertSameRows(shuffled, Scored.Read(scored, _ => true, new Random(7)));
        }
    }

    private void CursorSets(IEstimator<ITransformer> trainer)
    {
        foreach (IDataView view in _views.Alike)
        {
            IDataView scored = trainer.Fit(view).Transform(view);
            DataViewRowCursor[] cursors = scored.GetRowCursorSet(scored.Schema, n: 3);
            try
            {
                AssertSameRows(InOrder(Scored.Read(scored)), InOrder(cursors.SelectMany(cursor => Scored.Read(cursor, scored.Schema))));
            }
            finally
            {
                foreach (DataViewRowCursor cursor in cursors)
                    cursor.Dispose();
            }
        }
    }

    private void RowMapper(IEstimator<ITransformer> trainer)
    {
        ITransformer model = trainer.Fit(_views.Usual);
        IDataView view = _views.Usual;
        Assert.True(model.IsRowToRowMapper);
        IRowToRowMapper mapper = model.GetRowToRowMapper(view.Schema);
        Assert.Same(view.Schema, mapper.InputSchema);
        Schemas.AssertSame(model.GetOutputSchema(view.Schema), mapper.OutputSchema);

        Assert.Equal(["Features"], mapper.GetDependencies([mapper.OutputSchema["Score"]]).Select(column => column.Name));
        Assert.Empty(mapper.GetDependencies([]));
        Assert.Equal(["Name"], mapper.GetDependencies([mapper.OutputSchema["Name"]]).Select(column => column.Name));

        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        using DataViewRow mapped = mapper.GetRow(cursor, mapper.OutputSchema);
        Func<Scored.Cells> read = Scored.Reader(mapped);
        var rows = new List<Scored.Cells>();
        while (cursor.MoveNext())
            rows.Add(read());
        AssertSameRows(Scored.Read(model.Transform(view)), rows);
    }

    private void Files(IEstimator<ITransformer> trainer)
    {
        IDataView scored = trainer.Fit(_views.Usual).Transform(_views.Usual);
        string[] files = [Path.GetTempFileName(), Path.GetTempFileName()];
        try
        {
            using (FileStream stream = File.Create(files[0]))
                _ml.Data.SaveAsBinary(scored, stream);
            IDataView binary = _ml.Data.LoadFromBinary(files[0]);
            Schemas.AssertSame(scored.Schema, binary.Schema);
            Assert.Equal(Scored.Read(scored).Select(row => row.Values), Scored.Read(binary).Select(row => row.Values));

            using (FileStream stream = File.Create(files[1]))
                _ml.Data.SaveAsText(scored, stream, schema: false);
            IDataView text = _ml.Data.LoadFromTextFile(files[1], [new TextLoader.Column("Score", DataKind.Single, 2 + HostViews.SlotNames.Length)],
                hasHeader: true);
            Assert.Equal(scored.GetColumn<float>("Score"), text.GetColumn<float>("Score"));
        }
        finally
        {
            Array.ForEach(files, File.Delete);
        }
    }

    private void FitTwice(IEstimator<ITransformer> trainer) =>
        AssertSameRows(Scored.Read(trainer.Fit(_views.Usual).Transform(_views.Usual)),
            Scored.Read(trainer.Fit(_views.Usual).Transform(_views.Usual)));

    private static void MustFail(Action action)
    {
        Exception? exception = Record.Exception(action);
        Assert.True(exception is ArgumentOutOfRangeException or InvalidOperationException,
            $"ArgumentOutOfRange or InvalidOperation expected: {exception}");
    }

    private static void AssertSameRows(IReadOnlyList<Scored.Cells> expected, IReadOnlyList<Scored.Cells> actual)
    {
        Assert.Equal(expected.Select(row => row.Id), actual.Select(row => row.Id));
        Assert.Equal(expected.Select(row => row.Values), actual.Select(row => row.Values));
    }

    private static Scored.Cells[] InOrder(IEnumerable<Scored.Cells> rows) => [.. rows.OrderBy(row => row.Values[0], StringComparer.Ordinal)];

    private static ITransformer Loaded(ITransformer model)
    {
        using var stream = new MemoryStream();
        new MLContext().Model.Save(model, inputSchema: null, stream);
        stream.Position = 0;
        return new MLContext().Model.Load(stream, out _);
    }
}
