using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetRms.Samples;

/// <summary>How one trainer did on the test rows.</summary>
internal sealed record Contestant(string Name, double Rmse, double Mae, double RSquared, int? Epochs, TimeSpan FitTime);

/// <summary>RmsProp beside ML.NET's own linear trainers.</summary>
internal static class Contest
{
    private const int ManyEpochs = 50;

    public static IReadOnlyList<Contestant> Run(MLContext ml, IDataView train, IDataView test)
    {
        RegressionCatalog.RegressionTrainers trainers = ml.Regression.Trainers;
        var scaled = ml.Transforms.NormalizeMeanVariance("Features");
        int epochs = 0;
        var early = new RmsPropRegressionTrainer.Options
        {
            LabelColumnName = HouseFeatures.Label,
            ValidationFraction = 0.1f,
            EarlyStopping = new EarlyStopping { Patience = 10 },
            EpochCompleted = progress => epochs = progress.Report.Epoch,
        };
        return
        [
            Measure("RmsProp", trainers.RmsProp(HouseFeatures.Label), model => ((RmsPropRegressionTransformer)model).Training.Epochs.Count),
            Measure("RmsProp, early stopping", trainers.RmsProp(early), _ => epochs),
            Measure("Sdca", scaled.Append(trainers.Sdca(HouseFeatures.Label)), _ => null),
            Measure("OnlineGradientDescent", scaled.Append(trainers.OnlineGradientDescent(HouseFeatures.Label)), _ => 1),
            Measure("OnlineGradientDescent",
                scaled.Append(trainers.OnlineGradientDescent(HouseFeatures.Label, numberOfIterations: ManyEpochs)), _ => ManyEpochs),
        ];

        Contestant Measure(string name, IEstimator<ITransformer> trainer, Func<ITransformer, int?> epochsOf)
        {
            trainer.Fit(train);        // compiles the code
            long start = Stopwatch.GetTimestamp();
            ITransformer model = trainer.Fit(train);
            TimeSpan time = Stopwatch.GetElapsedTime(start);
            RegressionMetrics metrics = ml.Regression.Evaluate(model.Transform(test), HouseFeatures.Label);
            return new Contestant(name, metrics.RootMeanSquaredError, metrics.MeanAbsoluteError, metrics.RSquared, epochsOf(model), time);
        }
    }
}
