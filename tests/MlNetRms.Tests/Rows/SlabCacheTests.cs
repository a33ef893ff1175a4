using MlNetRms.Rows;
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
        nint slab = _cache.Take();
        _cache.Return(slab);
        Assert.Equal(SlabCache.SlabBytes, _cache.Bytes);

        Assert.Equal(slab, _cache.Take());
        Assert.Equal(0, _cache.Bytes);
        _cache.Return(slab);
    }

    [Fact]
    public void Take_AnySlab_IsAlignedToAHugePage()
    {
        nint[] slabs = TakeAll(5);

        Assert.All(slabs, slab => Assert.Equal(0, slab % SlabCache.SlabBytes));
        ReturnAll(slabs);
    }

    [Fact]
    public void Return_MoreThanTheMost_KeepsTheMost()
    {
        ReturnAll(TakeAll(5));

        Assert.Equal(3L * SlabCache.SlabBytes, _cache.Bytes);
    }

    [Fact]
    public void Bytes_AWhileAfterTheLastReturn_AreNone()
    {
        nint[] slabs = TakeAll(3);
        _cache.Return(slabs[0]);
        _time.Pass(SlabCache.KeptFor / 2);
        _cache.Return(slabs[1]);
        _time.Pass(SlabCache.KeptFor / 2);
        Assert.Equal(2L * SlabCache.SlabBytes, _cache.Bytes);

        _time.Pass(SlabCache.KeptFor / 2);

        Assert.Equal(0, _cache.Bytes);
        _cache.Return(slabs[2]);
        Assert.Equal(SlabCache.SlabBytes, _cache.Bytes);
    }

    private nint[] TakeAll(int count) => [.. Enumerable.Range(0, count).Select(_ => _cache.Take())];

    private void ReturnAll(nint[] slabs) => Array.ForEach(slabs, _cache.Return);
}
