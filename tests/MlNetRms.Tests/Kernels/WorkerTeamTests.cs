using MlNetRms.Kernels;

namespace MlNetRms.Tests.Kernels;

public sealed class WorkerTeamTests
{
    /// <summary>Turns a hang into a failure.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 5)]
    [InlineData(2, 2)]
    [InlineData(2, 16)]
    [InlineData(3, 4)]
    [InlineData(8, 3)]
    [InlineData(16, 16)]
    public void Run_ManyTimes_DoesEveryTaskOnceEachTimeAndReturnsWhenAllAreDone(int threads, int tasks)
    {
        const int Runs = 1500;
        var done = new int[tasks];
        using var team = new WorkerTeam(threads, tasks, task => Interlocked.Increment(ref done[task]));

        for (int run = 1; run <= Runs; run++)
        {
            team.Run();
            Assert.All(done, count => Assert.Equal(run, count));
            if (run % 300 == 0)
                Assert.True(SpinWait.SpinUntil(() => team.SleepingCount == team.ThreadCount - 1, _patience));
        }

        Assert.Equal(Math.Min(threads, tasks), team.ThreadCount);
    }

    [Fact]
    public void Run_TasksThatWaitForEachOther_RunOnSeveralThreads()
    {
        using var meeting = new Barrier(3);
        bool[] met = new bool[3];
        using var team = new WorkerTeam(3, 3, task => met[task] = meeting.SignalAndWait(_patience));

        team.Run();

        Assert.Equal([true, true, true], met);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Run_ATaskThrows_ThrowsThatExceptionWhenAllTasksAreDoneAndCanBeDisposed(int threads)
    {
        var thrown = new InvalidDataException("task 3");
        int others = 0;
        var team = new WorkerTeam(threads, 5, task =>
        {
            if (task == 3)
                throw thrown;
            Interlocked.Increment(ref others);
        });

        var caught = Assert.Throws<InvalidDataException>(team.Run);

        Assert.Same(thrown, caught);
        Assert.Equal(threads == 1 ? 3 : 4, others);        // alone, the caller stops there
        await Task.Run(team.Dispose).WaitAsync(_patience);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Run_AfterARunThatThrew_DoesNotThrowThatExceptionAgain(int threads)
    {
        bool throws = true;
        int done = 0;
        using var team = new WorkerTeam(threads, 5, _ =>
        {
            if (throws)
                throw new InvalidDataException();
            Interlocked.Increment(ref done);
        });
        Assert.Throws<InvalidDataException>(team.Run);
        throws = false;

        team.Run();

        Assert.Equal(5, done);
    }

    [Theory]
    [InlineData(0, 0)]        // never run
    [InlineData(1, 0)]        // just run
    [InlineData(1, 60)]       // asleep
    [InlineData(0, 60)]
    public async Task Dispose_AwakeOrAsleep_Ends(int runs, int pauseMilliseconds)
    {
        for (int round = 0; round < (pauseMilliseconds > 0 ? 3 : 100); round++)
        {
            int done = 0;
            var team = new WorkerTeam(4, 4, _ => Interlocked.Increment(ref done));
            for (int run = 0; run < runs; run++)
                team.Run();
            await Task.Delay(pauseMilliseconds);

            await Task.Run(team.Dispose).WaitAsync(_patience);

            Assert.Equal(4 * runs, done);
        }
    }
}
