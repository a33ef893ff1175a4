using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Kernels;

// The one file that allocates outside the garbage-collected heap.
#pragma warning disable RS0030

namespace MlNetRms.Rows;

/// <summary>
/// Holds the rows of one training: in memory up to a limit, in a temporary file beyond it. Whoever stores rows asks for a block of memory
/// (<see cref="TryRent"/>) and, if there is no room, for one in the file (<see cref="RentInFile"/>). A block stays where it is.
/// </summary>
/// <remarks>
/// <para>
/// Memory is counted in pages, from the first block in a page until the last one is returned, so what is counted is what is held. A block that is
/// longer than half a page, but not a page, has a page of its length, rounded up to 4 KiB.
/// </para>
/// <para>Several threads can use it at once.</para>
/// </remarks>
internal sealed unsafe class RowMemory : IDisposable
{
    /// <summary>Blocks are aligned to a cache line.</summary>
    public const int CacheLineWords = 16;

    /// <summary>Long blocks are rounded up to pages of the system, so that a packed row can have the memory of a raw one.</summary>
    private const int SystemPageWords = 1 << 10;

    /// <summary>
    /// A page has room for 8 rows, and more of short rows: read from a file, 64 KiB cost little more than 4 KiB. Beyond 512 KiB nothing is gained.
    /// </summary>
    private const int RowsPerPage = 8;
    private const int ShortestPage = 1 << 14;
    private const int LongestPage = 1 << 17;

    private readonly long _limit;
    private readonly Func<SpillFile> _openFile;
    private readonly Pages _memory;
    private readonly Pages _places;
    private readonly List<nint> _slabs = [];
    private readonly HashSet<Page> _longPages = [];
    private readonly Lock _lock = new();
    private readonly ThreadLocal<Window[]> _windows = new(() => [new Window(), new Window()]);
    private SpillFile? _file;
    private long _leaving;
    private int _pageCount;
    private bool _isDisposed;

    /// <param name="pageWords">Words of a page; null to let the first row decide (<see cref="FitPages"/>).</param>
    /// <param name="limit">Bytes that <see cref="TryRent"/> keeps to; null for no limit.</param>
    /// <param name="openFile">Opens the file; null for one in the system's folder of temporary files.</param>
    public RowMemory(int? pageWords = null, long? limit = null, Func<SpillFile>? openFile = null)
    {
        PageWords = pageWords ?? 0;
        _limit = limit ?? long.MaxValue;
        _openFile = openFile ?? (() => new SpillFile(directory: null));
        _memory = new Pages(() => PageWords, NewPage);
        long end = 0;
        _places = new Pages(() => PageWords, words =>
        {
            var page = new Page(end, words, (long)words * sizeof(float));
            end += page.Bytes;
            return page;
        });
    }

    ~RowMemory() => FreeMemory();

    public int PageWords { get; private set; }

    /// <summary>Bytes of the pages in use.</summary>
    public long BytesHeld => _memory.BytesInUse;

    /// <summary>The most that <see cref="BytesHeld"/> has been.</summary>
    public long MostBytesHeld { get; private set; }

    /// <summary>Bytes taken from the system: those of whole slabs, and of long pages that are free.</summary>
    public long BytesTaken => (long)_slabs.Count * SlabCache.SlabBytes + _longPages.Sum(page => page.Bytes);

    /// <summary>Whether more is held than the limit: blocks that are needed at once are rented without asking.</summary>
    public bool IsOverLimit => BytesHeld > _limit;

    public bool HasFile => _file is not null;

    /// <summary>Most bytes of the file that were in use at once.</summary>
    public long MostFileBytes { get; private set; }

    /// <summary>Words of a page, given the length of a row.</summary>
    public static int PageWordsFor(long rowWords) =>
        RoundUp((int)Math.Clamp(RowsPerPage * rowWords, ShortestPage, LongestPage), CacheLineWords);

    /// <summary>Chooses the length of pages by the first row: a sparse row is far shorter than its number of features says.</summary>
    public void FitPages(int rowWords)
    {
        if (PageWords == 0)
            PageWords = PageWordsFor(rowWords);
    }

    /// <summary>A block of memory, whether or not it exceeds the limit.</summary>
    /// <param name="words">Its least length.</param>
    /// <exception cref="OutOfMemoryException">There is no more memory.</exception>
    public Block Rent(int words)
    {
        lock (_lock)
            return RentLocked(words);
    }

    /// <summary>A block of memory, or null if it could exceed the limit.</summary>
    /// <inheritdoc cref="Rent"/>
    public Block? TryRent(int words)
    {
        lock (_lock)
            return BytesHeld - _leaving + Math.Max(PageBytes, (long)words * sizeof(float)) <= _limit ? RentLocked(words) : null;
    }

    /// <summary>A block in the file.</summary>
    /// <exception cref="IOException">The file cannot be created.</exception>
    public Block RentInFile(int words)
    {
        lock (_lock)
        {
            _file ??= _openFile();
            Place place = _places.Take(RoundUp(words, words > PageWords / 2 ? PageWords : CacheLineWords));
            MostFileBytes = Math.Max(MostFileBytes, _places.BytesInUse);
            return new Block(place, words, isInFile: true);
        }
    }

    /// <summary>Gives a block up: others can use its memory, or its place in the file.</summary>
    public void Return(Block block)
    {
        lock (_lock)
        {
            if (block.IsLeaving)
                _leaving -= (long)block.Length * sizeof(float);
            (block.IsInFile ? _places : _memory).Give(block.Place);
            block.Clear();
        }
    }

    /// <summary>Writes to a block in the file.</summary>
    /// <exception cref="IOException">There is no room; the message says how many bytes are needed.</exception>
    public void Write(Block block, int start, ReadOnlySpan<float> words)
    {
        try
        {
            _file!.Write(block.PositionOf(start), words);
        }
        catch (IOException exception)
        {
            throw new IOException("The rows do not fit into MemoryLimitInBytes, and their temporary file " +
                FormattableString.Invariant($"in '{_file!.Directory}' needs {MostFileBytes} bytes or more: ") +
                $"{exception.Message.TrimEnd('.')}. Make room, raise MemoryLimitInBytes, or name another TemporaryDirectory.", exception);
        }
    }

    /// <summary>
    /// The used words of a block in memory, moved there if they are in the file. Their owner returns the block soon, so it does not count against the
    /// limit any more: what it is packed into can stay in memory.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public Block Load(Block block)
    {
        Block loaded = block;
        if (block.IsInFile)
        {
            loaded = Rent(block.Length);
            loaded.Used = block.Used;
            _file!.Read(block.PositionOf(0), loaded.Words[..block.Used]);
            Return(block);
        }
        lock (_lock)
        {
            loaded.IsLeaving = true;
            _leaving += (long)loaded.Length * sizeof(float);
        }
        return loaded;
    }

    /// <summary>Some words of a block; valid until the calling thread reads other words of that part from the file.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<float> Read(Block block, int start, int length, RowPart part)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return block.IsInFile ? ReadFile(block, start, length, part) : block.Words.Slice(start, length);
    }

    /// <summary>Says that some blocks will be read soon: the system reads those in the file meanwhile, neighbours at once.</summary>
    public void Prefetch(ReadOnlySpan<Block?> blocks)
    {
        (long start, long end) = (0, 0);
        foreach (Block? block in blocks)
        {
            if (block is not { IsInFile: true })
                continue;
            if (block.PositionOf(0) != end)
            {
                Prefetch(start, end);
                start = block.PositionOf(0);
            }
            end = block.PositionOf(block.Length);
        }
        Prefetch(start, end);
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _file?.Dispose();
        _windows.Dispose();
        FreeMemory();
        GC.SuppressFinalize(this);
    }

    private void Prefetch(long start, long end)
    {
        if (end > start)
            _file!.Prefetch(start, end - start);
    }

    private int PagesPerSlab => SlabCache.SlabBytes / sizeof(float) / PageWords;

    private long PageBytes => SlabCache.SlabBytes / PagesPerSlab;

    private Block RentLocked(int words)
    {
        int length = RoundUp(words, words > PageWords / 2 && words != PageWords ? SystemPageWords : CacheLineWords);
        var block = new Block(_memory.Take(length), length, isInFile: false);
        MostBytesHeld = Math.Max(MostBytesHeld, BytesHeld);
        return block;
    }

    private Page NewPage(int words)
    {
        if (words != PageWords)
            return NewLongPage(words);
        int page = _pageCount++ % PagesPerSlab;
        if (page == 0)
            _slabs.Add(SlabCache.Shared.Take());
        return new Page(_slabs[^1] + (long)page * PageWords * sizeof(float), words, PageBytes);
    }

    private Page NewLongPage(int words)
    {
        foreach (Page free in _memory.TakeLongPages())
        {
            _longPages.Remove(free);
            NativeMemory.AlignedFree((void*)free.Position);
        }
        long bytes = (long)words * sizeof(float);
        var page = new Page((nint)NativeMemory.AlignedAlloc((nuint)bytes, CacheLineWords * sizeof(float)), words, bytes);
        _longPages.Add(page);
        return page;
    }

    /// <summary>
    /// Whoever begins with the first words of a block, or asks for a second time, reads on: the rest of the block is read at once. Others need only
    /// what they ask for, as when the rows of many shards take turns.
    /// </summary>
    private ReadOnlySpan<float> ReadFile(Block block, int start, int length, RowPart part)
    {
        Window window = _windows.Value![(int)part];
        if (window.Block != block || start < window.Start || start + length > window.End)
        {
            int end = start == 0 || window.Block == block ? block.Length : start + length;
            window.Block = null;        // should reading fail
            if (window.Words.Length < end - start)
                window.Words = GC.AllocateUninitializedArray<float>(Math.Max(PageWords, end - start));
            _file!.Read(block.PositionOf(start), window.Words.AsSpan(0, end - start));
            (window.Block, window.Start, window.End) = (block, start, end);
        }
        return window.Words.AsSpan(start - window.Start, length);
    }

    private void FreeMemory()
    {
        foreach (nint slab in _slabs)
            SlabCache.Shared.Return(slab);
        foreach (Page page in _longPages)
            NativeMemory.AlignedFree((void*)page.Position);
        _slabs.Clear();
        _longPages.Clear();
    }

    private static int RoundUp(int words, int multiple) => checked((int)(Divide.RoundUp((long)words, multiple) * multiple));

    /// <summary>The words of a block in the file that a thread has read last.</summary>
    private sealed class Window
    {
        public Block? Block { get; set; }

        public int Start { get; set; }

        public int End { get; set; }

        public float[] Words { get; set; } = [];
    }
}

/// <summary>The two parts of a packed row, which are stored apart.</summary>
internal enum RowPart
{
    Dense,
    Sparse,
}

/// <summary>32-bit words, mostly floats, side by side in memory or in the file.</summary>
internal sealed unsafe class Block
{
    private float* _words;

    public Block(Place place, int length, bool isInFile)
    {
        Place = place;
        Length = length;
        IsInFile = isInFile;
        _words = isInFile ? null : (float*)place.Position;
    }

    public int Length { get; }

    public bool IsInFile { get; }

    public Place Place { get; }

    /// <summary>Whether it has been loaded to be returned soon.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>Words that have been written, where the writer counts them.</summary>
    public int Used { get; set; }

    /// <summary>Those of a block in memory; none in the file or once it has been returned.</summary>
    public Span<float> Words
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(_words, _words is null ? 0 : Length);
    }

    /// <summary>Where a word is, in bytes: an address, or the distance from the beginning of the file.</summary>
    public long PositionOf(int word) => Place.Position + (long)word * sizeof(float);

    public void Clear() => _words = null;
}

/// <summary>
/// Cuts pages into places of any length. A place that is given up is used again for one of the same length, and a page as a whole once all of its
/// places have been given up.
/// </summary>
/// <param name="lengthOfPage">Words of a page. A place that is longer than half of it has a page of its length.</param>
/// <param name="newPage">A new page of some length.</param>
internal sealed class Pages(Func<int> lengthOfPage, Func<int, Page> newPage)
{
    private readonly Dictionary<int, Stack<Place>> _free = [];
    private Page? _open;

    /// <summary>Bytes of the pages that have a place in use.</summary>
    public long BytesInUse { get; private set; }

    public Place Take(int words)
    {
        int pageWords = lengthOfPage();
        if (words > pageWords / 2)
            return TakePage(words);
        if (TryReuse(words, out Place place))
        {
            place.Page.PlacesInUse++;
            return place;
        }
        if (_open is null || pageWords - _open.Used < words)
        {
            if (_open is not null)
                Give(new Place(_open, _open.Used, pageWords - _open.Used, _open.Generation));
            // The rest of the open page counts as a place in use.
            _open = TakePage(pageWords).Page;
            _open.Used = 0;
        }
        _open.PlacesInUse++;
        _open.Used += words;
        return new Place(_open, _open.Used - words, words, _open.Generation);
    }

    public void Give(Place place)
    {
        Page page = place.Page;
        if (--page.PlacesInUse == 0)
        {
            BytesInUse -= page.Bytes;
            place = new Place(page, 0, page.Words, ++page.Generation);
        }
        if (!_free.TryGetValue(place.Words, out Stack<Place>? places))
            _free.Add(place.Words, places = []);
        places.Push(place);
    }

    /// <summary>Forgets the free pages that are not of the usual length.</summary>
    public IEnumerable<Page> TakeLongPages() => _free.Where(places => places.Key > lengthOfPage() / 2 && places.Key != lengthOfPage())
        .SelectMany(places => Enumerable.Range(0, places.Value.Count).Select(_ => places.Value.Pop().Page));

    private Place TakePage(int words)
    {
        if (!TryReuse(words, out Place place))
            place = new Place(newPage(words), 0, words, 0);
        place.Page.PlacesInUse = 1;
        BytesInUse += place.Page.Bytes;
        return place;
    }

    private bool TryReuse(int words, out Place place)
    {
        place = default;
        if (!_free.TryGetValue(words, out Stack<Place>? places))
            return false;
        // Those of earlier generations are in pages that have been given up as a whole since.
        while (places.TryPop(out place))
        {
            if (place.Generation == place.Page.Generation)
                return true;
        }
        return false;
    }
}

/// <param name="position">Where it begins, in bytes.</param>
/// <param name="words">Its length.</param>
/// <param name="bytes">What it takes of the memory or the file.</param>
internal sealed class Page(long position, int words, long bytes)
{
    public long Position => position;

    public int Words => words;

    public long Bytes => bytes;

    /// <summary>Words that have been handed out, while it is the page that is being cut.</summary>
    public int Used { get; set; }

    public int PlacesInUse { get; set; }

    /// <summary>How often it has been given up as a whole.</summary>
    public int Generation { get; set; }
}

/// <summary>Some words of a page.</summary>
internal readonly record struct Place(Page Page, int Start, int Words, int Generation)
{
    public long Position => Page.Position + (long)Start * sizeof(float);
}

/// <summary>
/// Slabs of 2 MiB, aligned to 2 MiB and on Linux marked for a huge page: touching fresh memory in pages of 4 KiB takes longer than reading the
/// rows. Those given back are kept for the next training: the system clears what it hands out, which costs more than reading the rows once.
/// All of them are freed a while after the last training, and at once when memory is scarce.
/// </summary>
internal sealed unsafe partial class SlabCache
{
    public const int SlabBytes = 2 << 20;

    /// <summary>Cross-validations and searches train again at once.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(10);

    /// <summary>At most this part of the memory that the process may use is kept.</summary>
    private const int MostShare = 16;
    private const int AdviceHugePage = 14;

    private readonly long _mostBytes;
    private readonly Lock _lock = new();
    private readonly Stack<nint> _free = new();
    private readonly ITimer _idle;

    /// <param name="mostBytes">The most bytes that are kept.</param>
    /// <param name="time">Tells when <see cref="KeptFor"/> has passed.</param>
    public SlabCache(long mostBytes, TimeProvider time)
    {
        _mostBytes = mostBytes;
        _idle = time.CreateTimer(_ => Clear(), state: null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _ = new CollectionCallback(this);
    }

    public static SlabCache Shared { get; } = new(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / MostShare, TimeProvider.System);

    /// <summary>Bytes that are kept now.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
                return (long)_free.Count * SlabBytes;
        }
    }

    /// <returns>A slab with any content.</returns>
    /// <exception cref="OutOfMemoryException">There is no more memory.</exception>
    public nint Take()
    {
        lock (_lock)
        {
            if (_free.TryPop(out nint kept))
                return kept;
        }
        var slab = (nint)NativeMemory.AlignedAlloc(SlabBytes, SlabBytes);
        if (OperatingSystem.IsLinux())
            _ = MemoryAdvise(slab, SlabBytes, AdviceHugePage);        // a hint: whether it is taken changes the speed alone
        return slab;
    }

    /// <summary>Keeps a slab or frees it.</summary>
    public void Return(nint slab)
    {
        lock (_lock)
        {
            if ((_free.Count + 1L) * SlabBytes <= _mostBytes)
            {
                _free.Push(slab);
                _idle.Change(KeptFor, Timeout.InfiniteTimeSpan);
                return;
            }
        }
        NativeMemory.AlignedFree((void*)slab);
    }

    /// <summary>Frees all that are kept.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            while (_free.TryPop(out nint slab))
                NativeMemory.AlignedFree((void*)slab);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(nint address, nuint length, int advice);

    /// <summary>An object that nobody holds, finalised after each collection and registered again.</summary>
    private sealed class CollectionCallback(SlabCache cache)
    {
        ~CollectionCallback()
        {
            if (Environment.HasShutdownStarted)
                return;
            GCMemoryInfo info = GC.GetGCMemoryInfo(GCKind.Any);
            if (info.MemoryLoadBytes >= info.HighMemoryLoadThresholdBytes)
                cache.Clear();
            GC.ReRegisterForFinalize(this);
        }
    }
}
