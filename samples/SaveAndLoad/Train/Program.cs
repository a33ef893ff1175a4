using Microsoft.ML;
using MlNetRms.Samples;

const int RowsToScore = 10;

return CommandLine.Run(args, ["--data FILE", "--folder DIR"], commandLine =>
{
    Airfoil[] rows = Airfoil.Load(commandLine["--data"]);
    Exchange exchange = Exchange.In(commandLine);
    exchange.CreateFolder();
    Console.WriteLine(Airfoil.Describe(commandLine["--data"], rows.Length));

    var ml = new MLContext();
    var pipeline = ml.Transforms.Concatenate("Features", Airfoil.FeatureNames).Append(ml.Regression.Trainers.RmsProp(Airfoil.LabelName));
    IDataView data = ml.Data.LoadFromEnumerable(rows);
    var model = pipeline.Fit(data);

    ml.Model.Save(model, data.Schema, exchange.ModelPath);
    exchange.WriteScores(ml.Data.CreateEnumerable<ScoredRow>(model.Transform(data), reuseRowObject: false)
        .Where((_, row) => row % (rows.Length / RowsToScore) == 0).Take(RowsToScore));
    Console.WriteLine($"wrote {exchange.ModelPath}");
    Console.WriteLine($"wrote {exchange.ScoresPath}: {RowsToScore} rows and their scores");
    return 0;
});
