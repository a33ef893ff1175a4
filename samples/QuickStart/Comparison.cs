using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using LinearChain = Microsoft.ML.Data.EstimatorChain<
    Microsoft.ML.ISingleFeaturePredictionTransformer<Microsoft.ML.Trainers.LinearRegressionModelParameters>>;
using LinearTrainer = Microsoft.ML.Trainers.ITrainerEstimator<
    Microsoft.ML.ISingleFeaturePredictionTransformer<Microsoft.ML.Trainers.LinearRegressionModelParameters>,
    Microsoft.ML.Trainers.LinearRegressionModelParameters>;

namespace MlNetRms.Samples;

/// <summary>How one trainer did.</summary>
internal sealed record Result(string Trainer, string Features)
{
    public double Rmse { get; init; }

    public double RSquared { get; init; }

    public double Mae { get; init; }

    public double PercentAboveOptimum { get; init; }

    public TimeSpan FitTime { get; init; }

    /// <summary>Why there are no numbers, or null.</summary>
    public string? Failure { get; init; }
}

/// <summary>RmsProp and ML.NET's own linear trainers on the same rows.</summary>
internal static class Comparison
{
    public static IReadOnlyList<Result> Run(MLContext ml, DataOperationsCatalog.TrainTestData split, LeastSquares optimum)
    {
        RegressionCatalog.RegressionTrainers trainers = ml.Regression.Trainers;
        // Those that ask for normalized features are shown both ways; RmsProp normalizes by itself.
        (string Name, bool Normalize, LinearTrainer Trainer)[] contestants =
        [
            ("RmsProp", false, trainers.RmsProp(Airfoil.LabelName)),
            ("Sdca", true, trainers.Sdca(Airfoil.LabelName)),
            ("Sdca", false, trainers.Sdca(Airfoil.LabelName)),
            ("OnlineGradientDescent", true, trainers.OnlineGradientDescent(Airfoil.LabelName)),
            ("OnlineGradientDescent", false, trainers.OnlineGradientDescent(Airfoil.LabelName)),
        ];

        return ProgressBar.Run(contestants.Length, keep: false, progress =>
        {
            var results = new List<Result>();
            foreach ((string name, bool normalize, LinearTrainer trainer) in contestants)
            {
                var result = new Result(name, normalize ? "scaled" : "raw");
                progress.Describe($"{name}, {result.Features}");
                results.Add(Measure(ml, result, Pipeline(ml, normalize, trainer), split, optimum));
                progress.Advance();
            }
            return results;
        });
    }

    private static LinearChain Pipeline(MLContext ml, bool normalize, LinearTrainer trainer)
    {
        var features = ml.Transforms.Concatenate("Features", Airfoil.FeatureNames);
        return normalize
            ? features.Append(ml.Transforms.NormalizeMeanVariance("Features")).Append(trainer)
            : features.Append(trainer);
    }

    private static Result Measure(MLContext ml, Result result, LinearChain pipeline,
        DataOperationsCatalog.TrainTestData split, LeastSquares optimum)
    {
        try
        {
            pipeline.Fit(split.TrainSet);
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
                Mae = test.MeanAbsoluteError,
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
