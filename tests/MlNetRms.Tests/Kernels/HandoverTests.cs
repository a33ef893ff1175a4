using MlNetRms.Kernels;

namespace MlNetRms.Tests.Kernels;

public sealed class HandoverTests
{
    [Theory]
    [InlineData(0, 2)]
    [InlineData(3, 2)]
    [InlineData(3, 8)]
    [InlineData(long.MaxValue, 1)]
    public void Give_ManyItems_ProcessesEachOnceInOrder(long itemsOfCaller, int itemCount)
    {
        const int Items = 2000;
        var processed = new List<int>();
        var created = new List<int[]>();
        using var handover = new Handover<int[]>(itemCount, Create, item => processed.Add(item[0]), itemsOfCaller);

        for (int i = 0; i < Items; i++)
        {
            int[] item = handover.Take();
            item[0] = i;
            handover.Give(item);
        }
        handover.Complete();

        Assert.Equal(Enumerable.Range(0, Items), processed);
        Assert.Equal(itemCount, created.Count);

        int[] Create()
        {
            created.Add([0]);
            return created[^1];
        }
    }

    [Fact]
    public void Give_FirstItems_AreProcessedByTheCallerAndTheOthersByOneThread()
    {
        var threads = new List<int>();
        using var handover = new Handover<object>(2, () => new object(), _ => threads.Add(Environment.CurrentManagedThreadId), itemsOfCaller: 3);

        for (int i = 0; i < 10; i++)
            handover.Give(handover.Take());
        handover.Complete();

        Assert.All(threads[..3], thread => Assert.Equal(Environment.CurrentManagedThreadId, thread));
        Assert.Single(threads[3..].Distinct(), thread => thread != Environment.CurrentManagedThreadId);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void Give_ProcessingThatThrows_ThrowsItsExceptionSoonAndProcessesNothingMore(long itemsOfCaller)
    {
        int processed = 0;
        using var handover = new Handover<object>(2, () => new object(), _ =>
        {
            if (++processed == 5)
                throw new InvalidDataException("the fifth");
        }, itemsOfCaller);
        int given = 0;

        var thrown = Assert.Throws<InvalidDataException>(() =>
        {
            for (; given < 50; given++)
                handover.Give(handover.Take());
        });

        Assert.Equal("the fifth", thrown.Message);
        Assert.InRange(given, 4, 8);        // at most two items are on their way, and one is at hand
        Assert.Equal(5, processed);
    }

    [Fact]
    public void Complete_LastItemThatThrows_ThrowsItsException()
    {
        using var handover = new Handover<object>(4, () => new object(), _ => throw new InvalidDataException("the last"), itemsOfCaller: 0);
        handover.Give(handover.Take());

        Assert.Throws<InvalidDataException>(handover.Complete);
    }

    [Fact]
    public void Dispose_ItemsOnTheirWay_WaitsForTheThread()
    {
        int processed = 0;
        using var gate = new ManualResetEventSlim();
        var handover = new Handover<object>(4, () => new object(), _ =>
        {
            gate.Wait();
            processed++;
        }, itemsOfCaller: 0);
        for (int i = 0; i < 4; i++)
            handover.Give(handover.Take());
        var disposing = new Thread(handover.Dispose);

        disposing.Start();
        SpinWait.SpinUntil(() => !disposing.IsAlive || disposing.ThreadState.HasFlag(ThreadState.WaitSleepJoin));
        bool waits = disposing.IsAlive;
        gate.Set();
        disposing.Join();

        Assert.True(waits);
        Assert.Equal(4, processed);
    }
}
