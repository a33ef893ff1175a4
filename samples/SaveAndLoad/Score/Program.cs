using System.Globalization;
using Microsoft.ML;
using MlNetRms.Samples;

const string Help = """
    Loads the model that Train saved with ML.NET alone, scores the same rows, and
    compares the bits. Writes nothing; exit code 1 if a bit differs.

    usage: dotnet run --project samples/SaveAndLoad/Score [-- options]

      --input DIR     where model.zip and scores.csv are
                      (default: samples/SaveAndLoad/output)
      --help          this text
    """;
return CommandLine.Run(args, Help, commandLine =>
{
    var exchange = new Exchange(OutputFolder.Named(commandLine["--input"]));
    ScoredRow[] expected = exchange.ReadScores();

    var ml = new MLContext();
    ITransformer model = Load(ml, exchange.ModelPath);
    // As Row, not as ScoredRow: the expected scores stay out of what the model sees.
    IDataView data = ml.Data.LoadFromEnumerable<Row>(expected);
    ScoredRow[] actual = [.. ml.Data.CreateEnumerable<ScoredRow>(model.Transform(data), reuseRowObject: false)];

    Console.WriteLine("model.zip, read with ML.NET alone:");
    Console.WriteLine("row   score, dB   bits now   bits when trained");
    int differences = 0;
    for (int row = 0; row < expected.Length; row++)
    {
        (string now, string then) = (Exchange.Bits(actual[row].Score), Exchange.Bits(expected[row].Score));
        differences += now == then ? 0 : 1;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{row + 1,3}   {actual[row].Score,9:0.000}   {now}   {then}{(now == then ? "" : "   differs")}"));
    }
    Console.WriteLine(differences == 0 ? $"All {expected.Length} scores are the same, bit for bit."
        : $"{differences} of {expected.Length} scores differ.");
    return differences == 0 ? 0 : 1;
});

static ITransformer Load(MLContext ml, string path)
{
    try
    {
        return ml.Model.Load(path, out _);
    }
    catch (FormatException problem)
    {
        throw new UsageException($"File '{path}' is not a model: {problem.Message}");
    }
}
