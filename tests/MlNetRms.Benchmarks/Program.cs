using MlNetRms.Benchmarks;
using MlNetRms.Benchmarks.Accuracy;

(string Verb, string Help, Action<Arguments> Run)[] verbs =
[
    ("limit", "time of an epoch against the time of reading the same data once", LimitVerb.Run),
    ("peers", "RmsProp beside ML.NET's Sdca and OnlineGradientDescent, least squares, and PyTorch", PeersVerb.Run),
    ("epochs", "how fast the error falls, on real data; writes epochs.png", EpochsVerb.Run),
    ("accuracy", "how near the default options come to the exact answer, class of data by class of data", AccuracyVerb.Run),
    ("spill", "rows beyond the memory limit: bytes held and time of an epoch beside the same rows in memory", SpillVerb.Run),
    ("cancel", "how long a training goes on after it has been cancelled", CancelVerb.Run),
    ("extremes", "memory and time of many columns, rows, values and epochs", ExtremesVerb.Run),
    ("micro", "the kernels beside scalar code (BenchmarkDotNet)", MicroVerb.Run),
    ("agreement", "how far models are apart under other vector instructions", AgreementVerb.Run),
    ("ridge", "where least squares predicts badly, and what L2Regularization makes of it", RidgeVerb.Run),
    ("scale", "what a step costs over processes of MPI, and from which batch size they pay", ScaleVerb.Run),
    ("fingerprints", "the bits of many small models, to compare before and after a change", FingerprintsVerb.Run),
];

if (args is [] or ["help" or "--help" or "-h"])
{
    Console.WriteLine("""
        dotnet run -c Release --project tests/MlNetRms.Benchmarks -- VERB [--only NAME] [--quick] [--output DIR]

        """);
    foreach ((string verb, string help, _) in verbs)
        Console.WriteLine($"  {verb,-14}{help}");
    Console.WriteLine("""

          --only NAME     only what has NAME in its name: a workload, a data set, a class of data, a kernel, a training
          --quick         small sizes, to see that it works; the figures mean nothing
          --output DIR    where epochs.png goes; default: the current directory
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
        ?? throw new UsageException($"There is no verb '{args[0]}'; there are {string.Join(", ", verbs.Select(verb => verb.Verb))}.");
    run(Arguments.Parse(args.AsSpan(1)));
    return 0;
}
catch (UsageException usage)
{
    Console.Error.WriteLine(usage.Message);
    return 2;
}
