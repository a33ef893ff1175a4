using System.Globalization;
using CsCheck;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using MlNetRms.Host;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using Xunit.Abstractions;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Contract;

/// <summary>
/// Random rows and random options: <c>Fit</c> ends with a finite model of the promised schema or a documented exception, and warns about a model
/// that is worse than the mean of the label. A failure prints the case and the seed that repeats it.
/// </summary>
public sealed class RandomTrainingTests(ITestOutputHelper output)
{
    /// <summary>Cases of both tests together; the environment variable overrides the number.</summary>
    private static readonly int _cases =
        int.Parse(Environment.GetEnvironmentVariable("MLNETRMS_RANDOM_CASES") ?? "10000", CultureInfo.InvariantCulture);

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void Fit_ValidOptions_GivesAFiniteModelThatIsNotWorseThanTheMeanUnwarnedOrADocumentedException() =>
        Gen.Select(RandomRows.Gen, RandomOptions.Valid).Sample((rows, options) =>
        {
            var training = new Training(rows, options);
            if (training.Exception is not null)
                return training.AssertExceptionIsDocumented();
            training.AssertModelIsFiniteAndOfThePromisedSchema();
            if (options.ValidationFraction > 0)
                return "model";        // which rows were trained on is not known here
            if (training.WarnsOfTheMean)
                return "model, warned of";
            training.AssertNotWorseThanTheMean(tolerance: 2e-6);        // about the tolerance of the warning
            return "model, compared with the mean";
        }, output.WriteLine, iter: _cases / 2, threads: 2, print: Print);

    [Fact]
    public void Fit_SoundOptions_GivesAFiniteModelThatIsNotWorseThanTheMean() =>
        Gen.Select(RandomRows.Gen, RandomOptions.Sound).Sample((rows, options) =>
        {
            var training = new Training(rows, options);
            Assert.Null(training.Exception);
            training.AssertModelIsFiniteAndOfThePromisedSchema();
            training.AssertNotWorseThanTheMean(tolerance: 0.01, slack: 0.002);
            return "model, compared with the mean";
        }, output.WriteLine, iter: _cases / 2, threads: 2, print: Print);

    private static string Print((RandomRows Rows, Options Options) data) => $"{data.Rows}; {RandomOptions.Describe(data.Options)}";

    /// <summary>One fit and its outcome.</summary>
    private sealed class Training
    {
        private const double FloatRounding = 1.0 / (1 << 23);

        private readonly MLContext _ml = new(1);
        private readonly IRegressionLoss _loss;
        private readonly Examples _rows;
        private readonly IDataView _view;
        private readonly int[] _usable;
        private readonly LogCollector _log;
        private readonly RmsPropRegressionTrainer _trainer;
        private readonly RmsPropRegressionTransformer? _model;

        public Training(RandomRows rows, Options options)
        {
            options.ExampleWeightColumnName = rows.Weighted ? nameof(Example.Weight) : null;
            _loss = options.LossFunction ?? new SquaredLoss();
            _rows = rows.Examples();
            _view = rows.View(_ml, _rows);
            _usable = [.. Enumerable.Range(0, _rows.Count).Where(row =>
                _rows.Weight(row) > 0 && float.IsFinite(_rows.Labels[row]) && _rows.Features[row].All(float.IsFinite))];
            _log = new LogCollector(_ml);
            _trainer = _ml.Regression.Trainers.RmsProp(options);
            Task<RmsPropRegressionTransformer> fit = Task.Run(() => _trainer.Fit(_view));
            try
            {
                if (!fit.Wait(_patience))
                    Assert.Fail("Fit does not end.");
                _model = fit.Result;
            }
            catch (AggregateException exception)
            {
                Exception = exception.InnerException;
            }
        }

        public Exception? Exception { get; }

        public bool WarnsOfTheMean =>
            _log.Messages(ChannelMessageKind.Warning).Any(line => line.Contains("worse than the mean", StringComparison.Ordinal));

        /// <returns>The words of the message that identify the documented exception.</returns>
        public string AssertExceptionIsDocumented()
        {
            string message = Assert.IsType<InvalidOperationException>(Exception).Message;
            return Assert.Single(new[] { "diverged", "range of float", "float rounds to 0", "EarlyStopping needs", "ValidationFraction set all",
                "can be used" }, words => message.Contains(words, StringComparison.Ordinal));
        }

        public void AssertModelIsFiniteAndOfThePromisedSchema()
        {
            RmsPropRegressionTransformer model = _model!;
            Assert.Equal(_rows.Width, model.Model.Weights.Count);
            Assert.All(model.Parameters(), parameter => Assert.True(float.IsFinite(parameter)));
            Assert.All(model.Training.Epochs, epoch => Assert.True(double.IsFinite(epoch.Loss)));
            Assert.Equal(_usable.Length, model.Training.RowsUsed + model.Training.ValidationRows);
            IDataView scored = model.Transform(_view);
            Assert.Equal(Shapes.Describe(_trainer.GetOutputSchema(MlNetInternals.ShapeOf(_view.Schema))),
                Shapes.Describe(MlNetInternals.ShapeOf(scored.Schema)));
            float[] scores = scored.GetColumn<float>("Score").ToArray();
            foreach (int row in _usable.Where(row => Terms(row).Sum(Math.Abs) < float.MaxValue))
                FloatSum.AssertClose(Terms(row), scores[row]);
        }

        /// <summary>The mean loss is at most that of the mean label, within float precision.</summary>
        /// <param name="tolerance">Relative tolerance.</param>
        /// <param name="slack">How far the last steps may leave a prediction from a kink of the loss, in standard deviations of the label.</param>
        public void AssertNotWorseThanTheMean(double tolerance, double slack = 0)
        {
            double total = _usable.Sum(row => (double)_rows.Weight(row));
            (double mean, double deviation) = LeastSquares.Moments(
                _usable.Select(row => (double)_rows.Labels[row]), [.. _usable.Select(row => (double)_rows.Weight(row))]);
            double loss = 0;
            double lossOfMean = 0;
            foreach (int row in _usable)
            {
                float label = _rows.Labels[row];
                double[] terms = [.. Terms(row)];
                double residual = terms.Sum() - label;
                double free = (terms.Sum(Math.Abs) + Math.Abs(label)) * FloatRounding + slack * (deviation > 0 ? deviation : 1);
                loss += _rows.Weight(row) * Loss(Math.Sign(residual) * Math.Max(Math.Abs(residual) - free, 0));
                lossOfMean += _rows.Weight(row) * Loss(mean - label);
            }
            Assert.True(loss <= lossOfMean * (1 + tolerance), FormattableString.Invariant(
                $"loss {loss / total:g8}, that of the mean {lossOfMean / total:g8}, parameters {string.Join(", ", _model!.Parameters())}"));
        }

        /// <summary>All losses here are functions of the residual.</summary>
        private double Loss(double residual) => _loss.Loss((float)residual, 0);

        private IEnumerable<double> Terms(int row) =>
            _rows.Features[row].Zip(_model!.Model.Weights, (x, w) => (double)x * w).Append(_model.Model.Bias);
    }
}
