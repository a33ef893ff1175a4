using Microsoft.ML;
using Microsoft.ML.Data;
using ScottPlot;

namespace MlNetRms.Samples;

/// <summary>The same training as <see cref="FromScratch"/>, as one step of an ML.NET pipeline.</summary>
internal static class Concise
{
    /// <summary>A row as ML.NET wants it.</summary>
    private sealed class Row
    {
        [VectorType(5)]
        public float[] Features { get; set; } = [];

        public float Label { get; set; }
    }

    public static void Run(BookRows rows, IReadOnlyList<LossPoint> scratch, string picturePath)
    {
        Output.Line("The trainer with Options.Textbook() does the same; its first weights and its order of rows are its own.");
        var ml = new MLContext();
        IDataView data = ml.Data.LoadFromEnumerable(rows.Features.Zip(rows.Labels,
            (features, label) => new Row { Features = features, Label = label }));
        var pipeline = ml.Regression.Trainers.RmsProp(RmsPropRegressionTrainer.Options.Textbook());
        // As above, the first run compiles the code and the second shows its speed; they end with the same bits.
        pipeline.Fit(data);
        RmsPropRegressionTransformer model = pipeline.Fit(data);
        double loss = 0.5 * ml.Regression.Evaluate(model.Transform(data)).MeanSquaredError;
        Book.PrintResult(loss, model.Training.TrainingTime / model.Training.Epochs.Count);

        Draw(model.Training.Epochs, loss, scratch, picturePath);
        OutputFolder.Wrote(picturePath);
    }

    private static void Draw(IReadOnlyList<EpochReport> epochs, double finalLoss, IReadOnlyList<LossPoint> scratch, string picturePath)
    {
        Plot plot = LossPicture.Of("The trainer with Options.Textbook()", scratch, Pictures.Grey, "from scratch");
        foreach (EpochReport epoch in epochs)
        {
            var bar = plot.Add.Line(epoch.Epoch - 1, epoch.Loss, epoch.Epoch, epoch.Loss);
            bar.LineColor = Pictures.Blue;
            bar.LineWidth = 3;
            bar.LegendText = epoch.Epoch == 1 ? "mean during the epoch" : "";
        }
        var point = plot.Add.Marker(epochs.Count, finalLoss, MarkerShape.FilledCircle, 11, Pictures.Orange);
        point.LegendText = "returned model, all rows";
        plot.ShowLegend(Alignment.UpperRight);
        Pictures.Save(picturePath, plot);
    }
}
