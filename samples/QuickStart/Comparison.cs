using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using LinearChain = Microsoft.ML.Data.EstimatorChain<
    Microsoft.ML.ISingleFeaturePredictionTransformer<Microsoft.ML.Trainers.LinearRegressionModelParameters>>;
using LinearTrainer = Microsoft.ML.Trainers.ITrainerEstimator<
    Microsoft.ML.ISingleFeaturePredictionTransformer<Microsoft.ML.Trainers.LinearRegressionModelParameters>,
    Microsoft.ML.Trainers.LinearRegressionModelParameters>;

namespace MlNetRms.Samples;

/// <summary>How one trainer did.</summary>
/// <param name="Trainer">Its name.</param>
/// <param name="Input">Raw or scaled features.</param>
/// <param name="Epochs">How often it went through the rows; null where it does not tell.</param>
internal sealed record Result(string Trainer, string Input, int? Epochs)
{
    public double Rmse { get; init; } = double.PositiveInfinity;

    public double RSquared { get; init; } = double.NegativeInfinity;

    public double PercentAboveOptimum { get; init; }

    public TimeSpan FitTime { get; init; }

    /// <summary>Why there are no numbers, or null.</summary>
    public string? Failure { get; init; }
}

/// <summary>RmsProp and ML.NET's own linear trainers on the same rows.</summary>
internal sealed class Comparison(MLContext ml, DataOperationsCatalog.TrainTestData split, LeastSquares optimum)
{
    private readonly RegressionCatalog.RegressionTrainers _trainers = ml.Regression.Trainers;

    /// <summary>All with their defaults, and OnlineGradientDescent with as many epochs as RmsProp too.</summary>
    /// <param name="manyEpochs">The epochs of RmsProp.</param>
    public IReadOnlyList<Result> Defaults(int manyEpochs)
    {
        int onlineEpochs = new OnlineGradientDescentTrainer.Options().NumberOfIterations;
        // Those that ask for normalized features are shown both ways; RmsProp normalizes by itself.
        (string Name, bool Normalize, int? Epochs, LinearTrainer Trainer)[] contestants =
        [
            ("RmsProp", false, manyEpochs, _trainers.RmsProp(Airfoil.LabelName)),
            ("Sdca", true, null, _trainers.Sdca(Airfoil.LabelName)),
            ("Sdca", false, null, _trainers.Sdca(Airfoil.LabelName)),
            ("OnlineGradientDescent", true, onlineEpochs, _trainers.OnlineGradientDescent(Airfoil.LabelName)),
            ("OnlineGradientDescent", true, manyEpochs, _trainers.OnlineGradientDescent(Airfoil.LabelName, numberOfIterations: manyEpochs)),
            ("OnlineGradientDescent", false, onlineEpochs, _trainers.OnlineGradientDescent(Airfoil.LabelName)),
        ];
        return ProgressBar.Run(contestants.Length, progress =>
        {
            var results = new List<Result>();
            foreach ((string name, bool normalize, int? epochs, LinearTrainer trainer) in contestants)
            {
                progress.Describe(name);
                results.Add(Measure(new(name, normalize ? "scaled" : "raw", epochs), Pipeline(normalize, trainer)));
                progress.Advance();
            }
            return results;
        });
    }

    /// <summary>Whole trainings of so many epochs.</summary>
    public (Result RmsProp, Result Online) Lengths(int epochs)
    {
        var options = new RmsPropRegressionTrainer.Options { LabelColumnName = Airfoil.LabelName, NumberOfEpochs = epochs };
        return (Measure(new("RmsProp", "raw", epochs), Pipeline(normalize: false, _trainers.RmsProp(options))),
            Measure(new("OnlineGradientDescent", "scaled", epochs),
                Pipeline(normalize: true, _trainers.OnlineGradientDescent(Airfoil.LabelName, numberOfIterations: epochs))));
    }

    private LinearChain Pipeline(bool normalize, LinearTrainer trainer)
    {
        var features = ml.Transforms.Concatenate("Features", Airfoil.FeatureNames);
        return normalize
            ? features.Append(ml.Transforms.NormalizeMeanVariance("Features")).Append(trainer)
            : features.Append(trainer);
    }

    private Result Measure(Result result, LinearChain pipeline)
    {
        try
        {
            pipeline.Fit(split.TrainSet);   // compiles the code
            long start = Stopwatch.GetTimestamp();
            var model = pipeline.Fit(split.TrainSet);
            TimeSpan fitTime = Stopwatch.GetElapsedTime(start);

            RegressionMetrics train = ml.Regression.Evaluate(model.Transform(split.TrainSet), Airfoil.LabelName);
            RegressionMetrics test = ml.Regression.Evaluate(model.Transform(split.TestSet), Airfoil.LabelName);
            if (!double.IsFinite(train.RootMeanSquaredError) || !double.IsFinite(test.RootMeanSquaredError))
                return result with { Failure = "diverged" };
            return result with
            {
                Rmse = test.RootMeanSquaredError,
                RSquared = test.RSquared,
                PercentAboveOptimum = 100 * (train.RootMeanSquaredError / optimum.Rmse - 1),
                FitTime = fitTime,
            };
        }
        catch (InvalidOperationException failure)
        {
            return result with { Failure = failure.Message };
        }
    }
}
