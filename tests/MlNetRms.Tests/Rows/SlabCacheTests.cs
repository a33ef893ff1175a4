using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Rows;

public sealed class SlabCacheTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly SlabCache _cache;

    public SlabCacheTests() => _cache = new SlabCache(mostBytes: 3L * SlabCache.SlabBytes, _time);

    public void Dispose() => _cache.Clear();

    [Fact]
    public void Take_AfterReturn_IsTheSameMemory()
    {
        Assert.Equal(0, _cache.Take());
        nint memory = NewMemory();
        _cache.Return(memory);

        Assert.Equal(memory, _cache.Take());
        Assert.Equal(0, _cache.Bytes);
        Slab.FreeMemory(memory);
    }

    [Fact]
    public void Return_MoreThanTheMost_KeepsTheMost()
    {
        for (int i = 0; i < 5; i++)
            _cache.Return(NewMemory());

        Assert.Equal(3L * SlabCache.SlabBytes, _cache.Bytes);
    }

    [Fact]
    public void Bytes_AWhileAfterTheLastReturn_AreNone()
    {
        _cache.Return(NewMemory());
        _time.Pass(SlabCache.KeptFor / 2);
        _cache.Return(NewMemory());
        _time.Pass(SlabCache.KeptFor / 2);
        Assert.Equal(2L * SlabCache.SlabBytes, _cache.Bytes);

        _time.Pass(SlabCache.KeptFor / 2);

        Assert.Equal(0, _cache.Bytes);
        _cache.Return(NewMemory());
        Assert.Equal(SlabCache.SlabBytes, _cache.Bytes);
    }

    private static nint NewMemory() => Slab.AllocateMemory(SlabCache.SlabBytes, SlabCache.SlabBytes);
}
