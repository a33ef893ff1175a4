using Microsoft.ML;

namespace MlNetRms.Samples;

/// <summary>A setting to try.</summary>
internal sealed record Candidate(float LearningRate, int BatchSize, float? L2Regularization)
{
    /// <summary>What the trainer does if nobody says otherwise.</summary>
    public static Candidate Default { get; } = From(new RmsPropRegressionTrainer.Options());

    private static Candidate From(RmsPropRegressionTrainer.Options options) =>
        new(options.LearningRate, options.BatchSize, options.L2Regularization);
}

/// <summary>How a setting did.</summary>
/// <param name="Candidate">The setting.</param>
/// <param name="Rmse">Mean over the folds, in label units; infinite if training failed.</param>
/// <param name="Deviation">Standard deviation over the folds.</param>
internal sealed record Score(Candidate Candidate, double Rmse, double Deviation)
{
    /// <summary>How much larger the error is than another, in percent; infinite if training failed.</summary>
    public double PercentAbove(Score other) => 100 * (Rmse / other.Rmse - 1);
}

/// <summary>Judges settings by rows they were not trained on.</summary>
/// <param name="rows">The rows.</param>
/// <param name="progress">Moves on by a part for each candidate.</param>
internal sealed class CrossValidation(IDataView rows, ProgressBar progress)
{
    public const int Folds = 5;

    /// <summary>The same folds for every candidate, so that their differences are not differences of folds.</summary>
    private const int FoldSeed = 1;

    /// <summary>Judges the candidates, as many at a time as there are processors.</summary>
    /// <param name="name">What the progress bar says.</param>
    /// <param name="candidates">The settings.</param>
    /// <param name="newOptions">Everything else, a new object each time.</param>
    /// <returns>The scores, in the order of the candidates, whichever was ready first.</returns>
    public Score[] Run(string name, IReadOnlyList<Candidate> candidates, Func<RmsPropRegressionTrainer.Options> newOptions)
    {
        progress.Describe(name);
        var scores = new Score[candidates.Count];
        var atATime = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.For(0, candidates.Count, atATime, i =>
        {
            scores[i] = Judge(candidates[i], newOptions());
            progress.Advance();
        });
        return scores;
    }

    /// <summary>The pipeline that is judged, for fitting the chosen setting to all rows.</summary>
    public static IEstimator<ITransformer> Pipeline(MLContext ml, Candidate candidate, RmsPropRegressionTrainer.Options options)
    {
        options.LabelColumnName = Airfoil.LabelName;
        options.LearningRate = candidate.LearningRate;
        options.BatchSize = candidate.BatchSize;
        options.L2Regularization = candidate.L2Regularization;
        return ml.Transforms.Concatenate("Features", Airfoil.FeatureNames).Append(ml.Regression.Trainers.RmsProp(options));
    }

    private Score Judge(Candidate candidate, RmsPropRegressionTrainer.Options options)
    {
        // A context of its own: one that is shared hands out random numbers in the order in which it is asked.
        var ml = new MLContext(seed: 1);
        try
        {
            double[] errors = [.. ml.Regression
                .CrossValidate(rows, Pipeline(ml, candidate, options), Folds, Airfoil.LabelName, seed: FoldSeed)
                .Select(fold => fold.Metrics.RootMeanSquaredError)];
            double mean = errors.Average();
            double variance = errors.Sum(error => (error - mean) * (error - mean)) / (Folds - 1);
            return new(candidate, mean, Math.Sqrt(variance));
        }
        catch (InvalidOperationException)   // diverged
        {
            return new(candidate, double.PositiveInfinity, 0);
        }
    }
}
