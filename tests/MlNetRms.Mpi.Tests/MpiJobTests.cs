using System.Text.RegularExpressions;
using MlNetRms.Mpi.Tests.Support;

namespace MlNetRms.Mpi.Tests;

/// <summary>Real jobs: every case starts processes under a launcher and checks that all of them end.</summary>
[Trait("Vectors", "Irrelevant")]
public sealed class MpiJobTests
{
    private static readonly (string How, string Reason)[] _failures =
    [
        ("throw", "System.InvalidOperationException: planned failure"),
        ("throw-in-thread", "System.InvalidOperationException: planned failure in a thread"),
        ("exit", "the process exits before its program has returned"),
    ];

    /// <summary>MPICH's ranks spin while they wait, so more of them than cores would take many times as long.</summary>
    public static IEnumerable<object[]> Sizes =>
        from mpi in Implementation.Names from ranks in mpi == "MPICH" ? new[] { 2 } : [2, 4] select new object[] { mpi, ranks };

    public static IEnumerable<object[]> Failures =>
        from mpi in Implementation.Names from failure in _failures select new object[] { mpi, failure.How, failure.Reason };

    public static TheoryData<string> Implementations => [.. Implementation.Names];

    [MpiTheory, MemberData(nameof(Sizes))]
    public void Run_SeveralRanks_SumsMaximaAndBytesAreThoseOfAll(string mpi, int ranks)
    {
        using var job = RankProgram.Launch(Implementation.Named(mpi), ranks, ["sums"]);

        Assert.True(job.Wait() == 0, job.Output);
        // Sums of rank + 1, 0.5 and −rank; maxima of rank and −rank; the bytes of the last rank.
        int ids = ranks * (ranks - 1) / 2;
        string expected = FormattableString.Invariant(
            $"sums {ids + ranks} {0.5 * ranks} {-ids}; maxima {ranks - 1} 0; bytes {9 + ranks} {19 + ranks}; null reference caught");
        Assert.All(Enumerable.Range(0, ranks), rank => Assert.Contains($"rank {rank}: {expected}", job.Output, StringComparison.Ordinal));
    }

    [MpiTheory, MemberData(nameof(Sizes))]
    public void FitParts_SeveralRanksWithUnevenParts_GiveTheBytesOfOneProcess(string mpi, int ranks)
    {
        Implementation implementation = Implementation.Named(mpi);
        using var alone = RankProgram.Start(["train"], ("MLNETRMS_MPI_LIBRARY", implementation.Library));
        using var job = RankProgram.Launch(implementation, ranks, ["train"]);

        Assert.True(alone.Wait() == 0, alone.Output);
        Assert.True(job.Wait() == 0, job.Output);
        string model = ModelOf(alone);
        Assert.All(Enumerable.Range(0, ranks), rank => Assert.Contains($"rank {rank}: {model}", job.Output, StringComparison.Ordinal));
    }

    [MpiTheory, MemberData(nameof(Implementations))]
    public void FitParts_JobThatWasKilledAndStartedWithFewerRanks_GivesTheBytesOfOneProcess(string mpi)
    {
        Implementation implementation = Implementation.Named(mpi);
        string folder = Directory.CreateTempSubdirectory("mlnetrms-mpi-").FullName;
        string checkpoint = Path.Combine(folder, "job.checkpoint");
        try
        {
            using var alone = RankProgram.Start(["train"], ("MLNETRMS_MPI_LIBRARY", implementation.Library));
            using var killed = RankProgram.Launch(implementation, ranks: 2, ["train", checkpoint, "6"]);
            // In that epoch rank 1 waits, and the others wait for it.
            killed.WaitFor("rank 1 has done epoch 6");
            killed.Kill(rank: 1, ranks: 2);
            Assert.True(killed.Wait() != 0, killed.Output);
            Assert.True(File.Exists(checkpoint), killed.Output);

            using var again = RankProgram.Launch(implementation, ranks: 1, ["train", checkpoint]);

            Assert.True(again.Wait() == 0, again.Output);
            Assert.True(alone.Wait() == 0, alone.Output);
            Assert.DoesNotContain("has done epoch 5\n", again.Output, StringComparison.Ordinal);
            Assert.Contains("rank 0 has done epoch 6\n", again.Output, StringComparison.Ordinal);
            Assert.Equal(ModelOf(alone), ModelOf(again));
            Assert.Empty(Directory.GetFileSystemEntries(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [MpiTheory, MemberData(nameof(Failures))]
    public void Run_OneRankFails_TheWholeJobEndsWithItsReason(string mpi, string how, string reason)
    {
        using var job = RankProgram.Launch(Implementation.Named(mpi), ranks: 2, [how, "1"]);

        Assert.True(job.Wait() != 0, job.Output);
        Assert.Contains($"Rank 1 of 2 ends the job: {reason}", job.Output, StringComparison.Ordinal);
    }

    [MpiTheory, MemberData(nameof(Implementations))]
    public void Run_OneRankIsKilled_TheWholeJobEnds(string mpi)
    {
        using var job = RankProgram.Launch(Implementation.Named(mpi), ranks: 2, ["sleep", "0"]);
        job.Kill(rank: 1, ranks: 2);

        Assert.True(job.Wait() != 0, job.Output);
    }

    [MpiTheory, MemberData(nameof(Implementations))]
    public void Run_WithoutALauncher_IsAJobOfOne(string mpi)
    {
        using var job = RankProgram.Start(["sums"], ("MLNETRMS_MPI_LIBRARY", Implementation.Named(mpi).Library));

        Assert.True(job.Wait() == 0, job.Output);
        Assert.Contains("rank 0: sums 1 0.5 0; maxima 0 0; bytes 10 20", job.Output, StringComparison.Ordinal);
    }

    [BothMpiFact]
    public void Run_UnderTheLauncherOfAnotherImplementation_SaysSo()
    {
        foreach ((Implementation mpi, Implementation other) in Implementation.Installed.Zip(Implementation.Installed.Reverse()))
        {
            using var job = RankProgram.Launch(mpi, ranks: 2, ["sums"], ("MLNETRMS_MPI_LIBRARY", other.Library));

            Assert.True(job.Wait() != 0, job.Output);
            Assert.Contains("The launcher started 2 processes", job.Output, StringComparison.Ordinal);
            Assert.Contains(other.Name, job.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("sums", job.Output, StringComparison.Ordinal);
        }
    }

    [MpiTheory, MemberData(nameof(Implementations))]
    public void Run_AloneWhereALauncherStartedSeveral_SaysSo(string mpi)
    {
        using var job = RankProgram.Start(["sums"], ("MLNETRMS_MPI_LIBRARY", Implementation.Named(mpi).Library), ("SLURM_NTASKS", "4"));

        Assert.True(job.Wait() != 0, job.Output);
        Assert.Contains("The launcher started 4 processes (SLURM_NTASKS), but this one is alone", job.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_LibraryThatIsNotThere_SaysWhichAndWhoNamedIt()
    {
        using var job = RankProgram.Start(["sums"], ("MLNETRMS_MPI_LIBRARY", "libnothing.so.1"));

        Assert.True(job.Wait() != 0, job.Output);
        Assert.Contains("The MPI library 'libnothing.so.1', which MLNETRMS_MPI_LIBRARY names, cannot be loaded.", job.Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Run_NoProgram_Throws() => Assert.Throws<ArgumentNullException>("program", () => MpiJob.Run(null!));

    private static string ModelOf(RankProgram program)
    {
        string model = Regex.Match(program.Output, "rank 0: (model [0-9a-f]{64})").Groups[1].Value;
        Assert.NotEmpty(model);
        return model;
    }
}
