using System.Diagnostics;
using ScottPlot;

namespace MlNetRms.Samples;

/// <summary>Linear regression by mini-batches, written out: everything but the step itself, which is <see cref="RmsProp"/>.</summary>
internal static class FromScratch
{
    private const int RowsBetweenPoints = 100;

    public static IReadOnlyList<LossPoint> Run(BookRows rows, string picturePath)
    {
        Output.Line($"Every step sees {Book.BatchSize} rows; the loss over all rows is noted every {RowsBetweenPoints} rows, off the clock.");
        // The first run compiles the code; the second shows its speed. Both compute the same.
        Train(rows);
        (List<LossPoint> losses, TimeSpan time) = Train(rows);
        Book.PrintResult(losses[^1].Loss, time / Book.Epochs);

        Plot plot = LossPicture.Of("RMSProp from scratch", losses, Pictures.Blue, "loss over all rows");
        plot.ShowLegend(Alignment.UpperRight);
        Pictures.Save(picturePath, plot);
        OutputFolder.Wrote(picturePath);
        return losses;
    }

    private static (List<LossPoint> Losses, TimeSpan Time) Train(BookRows rows)
    {
        var numbers = new SeededNumbers(seed: 1);
        // w₁ … w_d from N(0, 0.01²), and the bias 0 in the last place.
        var parameters = new float[rows.FeatureCount + 1];
        for (int i = 0; i < rows.FeatureCount; i++)
            parameters[i] = (float)(Book.InitialDeviation * numbers.Gaussian());
        var gradient = new float[parameters.Length];
        var optimizer = new RmsProp(parameters.Length, Book.Alpha, Book.Epsilon, EpsilonPlacement.InsideSquareRoot);

        int[] order = [.. Enumerable.Range(0, rows.Count)];
        List<LossPoint> losses = [new(0, MeanLoss(rows, parameters))];
        var clock = new Stopwatch();
        for (int epoch = 0; epoch < Book.Epochs; epoch++)
        {
            clock.Start();
            numbers.Shuffle(order);
            for (int first = 0; first < rows.Count; first += Book.BatchSize)
            {
                int end = Math.Min(first + Book.BatchSize, rows.Count);
                MeanGradient(rows, order.AsSpan(first..end), parameters, gradient);
                optimizer.Step(parameters, gradient, Book.LearningRate);
                if (end % RowsBetweenPoints != 0 && end != rows.Count)
                    continue;
                clock.Stop();
                losses.Add(new(epoch + (double)end / rows.Count, MeanLoss(rows, parameters)));
                clock.Start();
            }
            clock.Stop();
        }
        return (losses, clock.Elapsed);
    }

    /// <summary>g = 1/|B| · Σ (ŷ − y)·x, and for the bias 1/|B| · Σ (ŷ − y).</summary>
    private static void MeanGradient(BookRows rows, ReadOnlySpan<int> batch, float[] parameters, float[] gradient)
    {
        Array.Clear(gradient);
        foreach (int row in batch)
        {
            float[] features = rows.Features[row];
            float share = (Predict(features, parameters) - rows.Labels[row]) / batch.Length;
            for (int i = 0; i < features.Length; i++)
                gradient[i] += share * features[i];
            gradient[^1] += share;
        }
    }

    /// <summary>ŷ = w·x + b</summary>
    private static float Predict(float[] features, float[] parameters)
    {
        float prediction = parameters[^1];
        for (int i = 0; i < features.Length; i++)
            prediction += parameters[i] * features[i];
        return prediction;
    }

    /// <summary>Mean of ½·(ŷ − y)² over all rows.</summary>
    private static double MeanLoss(BookRows rows, float[] parameters) =>
        rows.Features.Zip(rows.Labels, (features, label) => 0.5 * Math.Pow(Predict(features, parameters) - label, 2)).Average();
}
