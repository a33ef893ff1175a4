using System.Globalization;
using MlNetRms.Samples;

const string Help = """
    The RMSProp chapter of "Dive into Deep Learning": a path down a valley, linear
    regression from scratch, and the same by the trainer with Options.Textbook().

    usage: dotnet run --project samples/BookChapter [-- options]

      --data FILE     the real airfoil file: six numbers a line, tabs, label last
                      (default: made-up rows, embedded)
      --output DIR    where trace.png, scratch.png and concise.png go
                      (default: samples/BookChapter/output)
      --help          this text
    """;
return CommandLine.Run(args, Help, commandLine =>
{
    Output.Prepare();
    Airfoil[] airfoils = Airfoil.Load(commandLine["--data"]);
    string folder = OutputFolder.Made(commandLine["--output"]);

    Output.Heading("1. A path down a valley");
    ValleyTrace.Run(Path.Combine(folder, "trace.png"));

    BookRows rows = BookRows.From(airfoils);
    Output.Heading("2. From scratch");
    Output.Line(Airfoil.Describe(commandLine["--data"], airfoils.Length));
    Output.Line($"Features and label are standardised over all of them; {rows.Count} are used.");
    IReadOnlyList<LossPoint> scratch = FromScratch.Run(rows, Path.Combine(folder, "scratch.png"));

    Output.Heading("3. Concise");
    Concise.Run(rows, scratch, Path.Combine(folder, "concise.png"));
    return 0;
});

/// <summary>A loss on the way.</summary>
/// <param name="Epoch">Passes over the data so far; fractions within a pass.</param>
/// <param name="Loss">Mean of ½·(ŷ − y)² over all rows.</param>
internal readonly record struct LossPoint(double Epoch, double Loss);

/// <summary>What the second and the third part have in common.</summary>
internal static class Book
{
    public const float LearningRate = 0.01f;
    public const float Alpha = 0.9f;
    public const float Epsilon = 1e-6f;
    public const float InitialDeviation = 0.01f;
    public const int BatchSize = 10;
    public const int Epochs = 2;

    /// <summary>The line the chapter ends a training with.</summary>
    public static void PrintResult(double loss, TimeSpan perEpoch)
    {
        Output.Line(string.Create(CultureInfo.InvariantCulture, $"loss: {loss:0.000}, {perEpoch.TotalSeconds:0.000} sec per epoch"));
        Output.Line(string.Create(CultureInfo.InvariantCulture, $"({perEpoch.TotalMicroseconds:0} µs per epoch)"));
    }
}
