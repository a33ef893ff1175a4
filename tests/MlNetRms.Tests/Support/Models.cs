using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using MlNetRms.Host;

namespace MlNetRms.Tests.Support;

/// <summary>Shorthands to train, score and compare.</summary>
internal static class Models
{
    public static RmsPropRegressionTransformer Fit(this Examples rows, RmsPropRegressionTrainer.Options? options = null)
    {
        var ml = new MLContext(1);
        return ml.Regression.Trainers.RmsProp(options ?? new()).Fit(rows.View(ml));
    }

    /// <summary>A model of ML.NET with these weights.</summary>
    public static RegressionPredictionTransformer<LinearRegressionModelParameters> Linear(float[] weights, float bias)
    {
        var ml = new MLContext(1);
        IDataView view = Examples.View(ml, [], weights.Length);
        return MlNetInternals.RegressionTransformer<LinearRegressionModelParameters>.New(
            ml, MlNetInternals.NewLinearModel(ml, weights, bias), view.Schema, nameof(Example.Features));
    }

    /// <summary>Weights and bias; comparing them for equality compares bits, up to the sign of zero.</summary>
    public static float[] Parameters(this RmsPropRegressionTransformer model) => [.. model.Model.Weights, model.Model.Bias];

    public static float[] Scores(this ITransformer model, IDataView view) =>
        model.Transform(view).GetColumn<float>("Score").ToArray();

    /// <summary>Weighted root mean squared error of ML.NET's own scores.</summary>
    public static double Rmse(this ITransformer model, Examples rows)
    {
        float[] scores = model.Scores(rows.View(new MLContext(1)));
        double squares = 0;
        double weight = 0;
        for (int row = 0; row < scores.Length; row++)
        {
            squares += rows.Weight(row) * Math.Pow((double)scores[row] - rows.Labels[row], 2);
            weight += rows.Weight(row);
        }
        return Math.Sqrt(squares / weight);
    }

    /// <summary>Largest distance between two lists of numbers, relative to the largest of the expected ones.</summary>
    public static double Distance(IReadOnlyList<float> expected, IReadOnlyList<float> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        double largest = expected.Max(value => Math.Abs((double)value));
        return expected.Zip(actual, (x, y) => Math.Abs((double)x - y)).Max() / (largest > 0 ? largest : 1);
    }

    public static void AssertClose(IReadOnlyList<float> expected, IReadOnlyList<float> actual, double tolerance)
    {
        double distance = Distance(expected, actual);
        Assert.True(distance <= tolerance, FormattableString.Invariant($"relative distance {distance:g4}, at most {tolerance:g4} expected"));
    }
}
