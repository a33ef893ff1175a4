using Microsoft.ML;
using MlNetRms.Samples;

const int RowsToScore = 10;

const string Help = """
    Trains and saves a model, and writes ten rows with their scores. The other half
    of the sample, Score, reads both.

    usage: dotnet run --project samples/SaveAndLoad/Train [-- options]

      --data FILE     the real airfoil file: six numbers a line, tabs, label last
                      (default: made-up rows, embedded)
      --output DIR    where model.zip and scores.csv go
                      (default: samples/SaveAndLoad/output)
      --help          this text
    """;
return CommandLine.Run(args, Help, commandLine =>
{
    Airfoil[] rows = Airfoil.Load(commandLine["--data"]);
    var exchange = new Exchange(OutputFolder.Made(commandLine["--output"]));
    Console.WriteLine(Airfoil.Describe(commandLine["--data"], rows.Length));

    var ml = new MLContext();
    var pipeline = ml.Transforms.Concatenate("Features", Airfoil.FeatureNames).Append(ml.Regression.Trainers.RmsProp(Airfoil.LabelName));
    IDataView data = ml.Data.LoadFromEnumerable(rows);
    var model = pipeline.Fit(data);

    ml.Model.Save(model, data.Schema, exchange.ModelPath);
    exchange.WriteScores(ml.Data.CreateEnumerable<ScoredRow>(model.Transform(data), reuseRowObject: false)
        .Where((_, row) => row % (rows.Length / RowsToScore) == 0).Take(RowsToScore));
    OutputFolder.Wrote(exchange.ModelPath);
    OutputFolder.Wrote(exchange.ScoresPath);
    return 0;
});
