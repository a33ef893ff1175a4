using MlNetRms.Benchmarks;
using MlNetRms.Benchmarks.Accuracy;

(string Verb, string Help, Action<Arguments> Run)[] verbs =
[
    ("limit", "time of an epoch, compared with reading the same rows once", LimitVerb.Run),
    ("peers", "RmsProp, compared with ML.NET's Sdca and OnlineGradientDescent, least squares and PyTorch", PeersVerb.Run),
    ("epochs", "how fast the error falls on real data; writes epochs.png", EpochsVerb.Run),
    ("accuracy", "how close the default options come to the exact answer, for each class of data", AccuracyVerb.Run),
    ("spill", "rows above the memory limit: memory and time of an epoch, compared with the same rows in memory", SpillVerb.Run),
    ("cancel", "how long a training runs on after it has been cancelled", CancelVerb.Run),
    ("extremes", "memory and time with very many columns, rows, values or epochs", ExtremesVerb.Run),
    ("micro", "the kernels, compared with scalar code (BenchmarkDotNet)", MicroVerb.Run),
    ("agreement", "how much models differ under other vector instructions", AgreementVerb.Run),
    ("ridge", "sets on which least squares predicts badly, and what L2Regularization changes", RidgeVerb.Run),
    ("scale", "cost of a step over MPI processes, and the batch size from which they are faster", ScaleVerb.Run),
    ("fingerprints", "hashes of many small models, to compare before and after a code change", FingerprintsVerb.Run),
];

if (args is [] or ["help" or "--help" or "-h"])
{
    Console.WriteLine("""
        dotnet run -c Release --project tests/MlNetRms.Benchmarks -- VERB [--only NAME] [--quick] [--output DIR]

        """);
    foreach ((string verb, string help, _) in verbs)
        Console.WriteLine($"  {verb,-14}{help}");
    Console.WriteLine("""

          --only NAME     only items whose name contains NAME: workloads, data sets, classes of data, kernels, trainings
          --quick         small sizes, to check that a verb works; the figures mean nothing
          --output DIR    folder for epochs.png; default: the current directory
        """);
    return 0;
}

try
{
    if (args[0] == PeerChild.Verb)
        return PeerChild.Run(args[1..]);
    if (args[0] == AgreementVerb.ChildVerb)
        return AgreementVerb.RunChild(args[1..]);
    if (args[0] == SpillVerb.ChildVerb)
        return SpillVerb.RunChild(args[1..]);
    if (args[0] == ExtremesVerb.ChildVerb)
        return ExtremesVerb.RunChild(args[1..]);
    Action<Arguments> run = verbs.FirstOrDefault(verb => verb.Verb == args[0]).Run
        ?? throw new UsageException($"There is no verb '{args[0]}'. The verbs are {string.Join(", ", verbs.Select(verb => verb.Verb))}.");
    run(Arguments.Parse(args.AsSpan(1)));
    return 0;
}
catch (UsageException usage)
{
    Console.Error.WriteLine(usage.Message);
    return 2;
}
