using System.Globalization;
using MlNetRms.Mpi;
using MlNetRms.Mpi.Ranks;

// The tests start this program as several processes. The first argument says what it does.
string verb = args[0];
int failing = args.Length > 1 && verb != "train" ? int.Parse(args[1], CultureInfo.InvariantCulture) : -1;

MpiJob.Run(job =>
{
    // For the tests that kill a rank.
    Console.WriteLine(FormattableString.Invariant($"rank {job.Rank} of {job.Size} is process {Environment.ProcessId}"));
    job.Barrier();
    if (job.Rank == failing)
        Fail(verb);
    if (failing >= 0)
    {
        // The other ranks wait for the one that fails.
        job.AllReduceSum(new double[1]);
        return;
    }

    if (verb == "train")
    {
        // train, or train CHECKPOINT, or train CHECKPOINT EPOCH-TO-WAIT-IN
        Console.WriteLine(FormattableString.Invariant($"rank {job.Rank}: model {Training.Hash(job, args[1..])}"));
        return;
    }

    double[] values = [job.Rank + 1, 0.5, -job.Rank];
    job.AllReduceSum(values);
    double[] largest = [job.Rank, -job.Rank];
    job.AllReduceMax(largest);
    byte[] bytes = [(byte)(10 + job.Rank), (byte)(20 + job.Rank)];
    job.Broadcast(bytes, root: job.Size - 1);
    Console.WriteLine(FormattableString.Invariant(
        $"rank {job.Rank}: sums {string.Join(' ', values)}; maxima {string.Join(' ', largest)}; bytes {string.Join(' ', bytes)}; {NullReference()}"));
});

static void Fail(string how)
{
    switch (how)
    {
        case "throw":
            throw new InvalidOperationException("planned failure");
        case "throw-in-thread":
            var thread = new Thread(() => throw new InvalidOperationException("planned failure in a thread"));
            thread.Start();
            thread.Join();
            break;
        case "exit":
            Environment.Exit(0);
            break;
        case "sleep":
            Thread.Sleep(TimeSpan.FromMinutes(5));     // longer than a test waits
            break;
    }
}

// A signal handler of the MPI library would end the process here.
static string NullReference()
{
    try
    {
        string? nothing = Environment.GetEnvironmentVariable("MLNETRMS_NOT_SET");
        return nothing!.Trim();
    }
    catch (NullReferenceException)
    {
        return "null reference caught";
    }
}
