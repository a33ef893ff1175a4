using System.Globalization;
using CsCheck;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using MlNetRms.Host;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Contract;

/// <summary>Random options with one mistake, and columns of random types: the documented exception, which names the mistake.</summary>
public sealed class RandomMistakesTests
{
    private static readonly int _cases =
        int.Parse(Environment.GetEnvironmentVariable("MLNETRMS_RANDOM_MISTAKES") ?? "4000", CultureInfo.InvariantCulture);

    private static readonly float[] _notFinite = [float.NaN, float.PositiveInfinity, float.NegativeInfinity];

    /// <summary>An option, and code that sets it to an invalid value.</summary>
    private static readonly Gen<(string Name, Action<Options> Set)> _mistake = Gen.OneOf(
        Wrong(nameof(Options.LearningRate), Gen.OneOf(Gen.OneOf(_notFinite), NotAbove(0)), (options, value) => options.LearningRate = value),
        Wrong(nameof(Options.Epsilon), Gen.OneOf(Gen.OneOf(_notFinite), NotAbove(0)), (options, value) => options.Epsilon = value),
        Wrong(nameof(Options.Alpha), OutsideOfUnitInterval(1), (options, value) => options.Alpha = value),
        Wrong(nameof(Options.Momentum), OutsideOfUnitInterval(1), (options, value) => options.Momentum = value),
        Wrong(nameof(Options.ValidationFraction), OutsideOfUnitInterval(1), (options, value) => options.ValidationFraction = value),
        Wrong(nameof(Options.AveragedFraction), OutsideOfUnitInterval(MathF.BitIncrement(1)), (options, value) => options.AveragedFraction = value),
        Wrong(nameof(Options.L2Regularization), Gen.OneOf(Gen.OneOf(_notFinite), NotAbove(-float.Epsilon)),
            (options, value) => options.L2Regularization = value),
        Wrong(nameof(Options.L1Regularization), Gen.OneOf(Gen.OneOf(_notFinite), NotAbove(-float.Epsilon)),
            (options, value) => options.L1Regularization = value),
        Wrong(nameof(Options.GradientClippingNorm), Gen.OneOf(Gen.OneOf(_notFinite), NotAbove(0)),
            (options, value) => options.GradientClippingNorm = value),
        Wrong(nameof(Options.InitialWeightsStandardDeviation), Gen.OneOf(Gen.OneOf(_notFinite), NotAbove(-float.Epsilon)),
            (options, value) => options.InitialWeightsStandardDeviation = value),
        Wrong(nameof(Options.BatchSize), Gen.Int[int.MinValue, 0], (options, value) => options.BatchSize = value),
        Wrong(nameof(Options.NumberOfEpochs), Gen.Int[int.MinValue, 0], (options, value) => options.NumberOfEpochs = value),
        Wrong(nameof(Options.NumberOfThreads), Gen.Int[int.MinValue, 0], (options, value) => options.NumberOfThreads = value),
        Wrong(nameof(Options.EpsilonPlacement), Gen.OneOf(Gen.Int[int.MinValue, -1], Gen.Int[2, int.MaxValue]),
            (options, value) => options.EpsilonPlacement = (EpsilonPlacement)value),
        Wrong(nameof(Options.LabelColumnName), Gen.OneOf("", " ", "\t", null!), (options, value) => options.LabelColumnName = value),
        Wrong(nameof(Options.FeatureColumnName), Gen.OneOf("", " ", "\t", null!), (options, value) => options.FeatureColumnName = value),
        Wrong(nameof(Options.ExampleWeightColumnName), Gen.OneOf("", " ", "\t"), (options, value) => options.ExampleWeightColumnName = value),
        Wrong(nameof(Options.LearningRateSchedule), Gen.Const(0), (options, _) => options.LearningRateSchedule = null!),
        Wrong(nameof(Options.LossFunction), Gen.OneOf(0, 1),
            (options, value) => options.LossFunction = value == 0 ? new PoissonLoss() : new TweedieLoss()),
        Wrong(nameof(EarlyStopping.Patience), Gen.Int[int.MinValue, 0],
            (options, value) => options.EarlyStopping = new EarlyStopping { Patience = value }),
        Wrong(nameof(EarlyStopping.MinimumImprovement), Gen.OneOf(Gen.OneOf(_notFinite), NotAbove(-float.Epsilon)),
            (options, value) => options.EarlyStopping = new EarlyStopping { MinimumImprovement = value }),
        Wrong(nameof(Options.Momentum), Gen.Float[0.1f, 0.9f], (options, value) => (options.L1Regularization, options.Momentum) = (1, value)),
        Wrong(nameof(Options.Centered), Gen.Float[0.1f, 0.9f],
            (options, value) => (options.L1Regularization, options.Momentum, options.Centered) = (value, 0, true)),
        Wrong(nameof(Options.Decorrelate), Gen.OneOf(0, 1), (options, which) =>
            (options.Decorrelate, options.L1Regularization, options.NonNegativeWeights, options.Standardize) = (true, 0, which == 0, which == 0)));

    private static readonly Gen<PrimitiveDataViewType> _items = Gen.OneOf<PrimitiveDataViewType>(
        NumberDataViewType.Single, NumberDataViewType.Double, NumberDataViewType.Byte, NumberDataViewType.Int32, NumberDataViewType.UInt64,
        BooleanDataViewType.Instance, TextDataViewType.Instance, DateTimeDataViewType.Instance, TimeSpanDataViewType.Instance,
        RowIdDataViewType.Instance, new KeyDataViewType(typeof(uint), 5));

    /// <summary>Types of columns; the right ones are frequent.</summary>
    private static readonly Gen<DataViewType?> _columns = Gen.Frequency(
        (4, Gen.Const<DataViewType?>(NumberDataViewType.Single)),
        (4, Gen.Const<DataViewType?>(new VectorDataViewType(NumberDataViewType.Single, 3))),
        (1, Gen.Const(default(DataViewType))),
        (3, Gen.Select(_items, Gen.Int[-1, 4], (item, size) => (DataViewType?)(size < 0 ? item : new VectorDataViewType(item, size)))));

    [Fact]
    public void RmsProp_OneOptionWrong_ThrowsTheDocumentedExceptionWithItsName() =>
        Gen.Select(RandomOptions.Valid, _mistake).Sample((options, mistake) =>
        {
            mistake.Set(options);

            Exception? exception = Record.Exception(() => new MLContext(1).Regression.Trainers.RmsProp(options));

            Assert.IsAssignableFrom<ArgumentException>(exception);
            Assert.Contains(mistake.Name, exception.Message, StringComparison.Ordinal);
        }, iter: _cases, threads: 1, print: data => $"{data.Item2.Name}; {RandomOptions.Describe(data.Item1)}");

    [Fact]
    public void FitAndGetOutputSchema_ColumnsOfAnyType_ThrowWithTheNameOfAColumnThatIsWrongAndOnlyIfOneIs() =>
        Gen.Select(_columns, _columns, _columns, Gen.Bool).Sample((features, label, weight, usesWeight) =>
        {
            var ml = new MLContext(1);
            IDataView view = new TypedView(("Features", features), ("Label", label), ("Weight", weight));
            RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(new Options { ExampleWeightColumnName = usesWeight ? "Weight" : null });
            string[] wrong = [.. Wrong()];

            Exception? promised = Record.Exception(() => trainer.GetOutputSchema(MlNetInternals.ShapeOf(view.Schema)));
            Exception? fitted = Record.Exception(() => trainer.Fit(view));

            if (wrong.Length == 0)
            {
                Assert.Null(promised);
                Assert.Contains("has no rows", Assert.IsType<InvalidOperationException>(fitted).Message, StringComparison.Ordinal);
                return;
            }
            foreach (Exception? exception in new[] { promised, fitted })
            {
                string message = Assert.IsType<ArgumentOutOfRangeException>(exception).Message;
                Assert.Contains(wrong, name => message.Contains($"column '{name}'", StringComparison.Ordinal));
            }

            IEnumerable<string> Wrong()
            {
                if (features is not VectorDataViewType { Size: > 0 } vector || vector.ItemType != NumberDataViewType.Single)
                    yield return "Features";
                if (label != NumberDataViewType.Single)
                    yield return "Label";
                if (usesWeight && weight != NumberDataViewType.Single)
                    yield return "Weight";
            }
        }, iter: _cases, threads: 1);

    private static Gen<(string Name, Action<Options> Set)> Wrong<T>(string name, Gen<T> values, Action<Options, T> set) =>
        values.Select(value => (name, (Action<Options>)(options => set(options, value))));

    private static Gen<float> NotAbove(float most) => Gen.OneOf(Gen.Const(most), Gen.Float[float.MinValue, most]);

    /// <param name="end">The first number above the interval that is not in it.</param>
    private static Gen<float> OutsideOfUnitInterval(float end) =>
        Gen.OneOf(Gen.OneOf(_notFinite), NotAbove(-float.Epsilon), Gen.Const(end), Gen.Float[end, float.MaxValue]);

    /// <summary>A view without rows and with columns of given types; null for a missing column.</summary>
    private sealed class TypedView : IDataView
    {
        private readonly IDataView _empty;

        public TypedView(params (string Name, DataViewType? Type)[] columns)
        {
            var builder = new DataViewSchema.Builder();
            foreach ((string name, DataViewType? type) in columns)
            {
                if (type is not null)
                    builder.AddColumn(name, type);
            }
            Schema = builder.ToSchema();
            _empty = Examples.View(new MLContext(1), [], 3);
        }

        public DataViewSchema Schema { get; }

        public bool CanShuffle => false;

        public long? GetRowCount() => 0;

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
            _empty.GetRowCursor(columnsNeeded.Select(column => _empty.Schema[column.Name]), rand);

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
            [GetRowCursor(columnsNeeded, rand)];
    }
}
