using MlNetRms.Rows;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Rows;

public sealed class RowMemoryTests
{
    private const int PageWords = 1 << 14;
    private const long PageBytes = PageWords * sizeof(float);

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(PageWords)]
    [InlineData(PageWords + 1)]
    public void Rent_AnyLength_IsAlignedToACacheLineAndOverlapsNoOther(int words)
    {
        using var memory = new RowMemory(PageWords);
        Block[] blocks = [.. Enumerable.Range(0, 100).Select(_ => memory.Rent(words))];

        for (int i = 0; i < blocks.Length; i++)
            blocks[i].Words.Fill(i);

        for (int i = 0; i < blocks.Length; i++)
        {
            Assert.Equal(0, blocks[i].PositionOf(0) % 64);
            Assert.InRange(blocks[i].Length, words, words + (words > PageWords ? 1023 : 15));
            Assert.False(blocks[i].Words.ContainsAnyExcept((float)i));
        }
    }

    [Fact]
    public void RentAndReturn_AnyOrder_NeverOverlapAndUseAgainWhatIsFree()
    {
        using var memory = new RowMemory(PageWords);
        var random = new Random(1);
        var blocks = new List<(Block Block, float Number)>();
        long most = 0;
        for (int i = 0; i < 50_000; i++)
        {
            if (blocks.Count < 400 && random.Next(2) == 0)
            {
                Block block = memory.Rent(random.Next(20) == 0 ? random.Next(1, 3 * PageWords) : 16 << random.Next(8));
                block.Words.Fill(i);
                blocks.Add((block, i));
            }
            else if (blocks.Count > 0)
            {
                int which = random.Next(blocks.Count);
                (Block block, float number) = blocks[which];
                Assert.False(block.Words.ContainsAnyExcept(number));
                memory.Return(block);
                blocks.RemoveAt(which);
            }
            most = Math.Max(most, blocks.Sum(block => (long)block.Block.Length * sizeof(float)));
        }
        Assert.InRange(memory.MostBytesHeld, most, 2 * most);

        blocks.ForEach(block => memory.Return(block.Block));

        Assert.InRange(memory.BytesHeld, 0, PageBytes);        // the page that was cut last
    }

    [Fact]
    public void Rent_OneShortBlock_TakesOneSlabAndCountsOnePage()
    {
        using var memory = new RowMemory(PageWords);

        foreach (int words in (int[])[16, 100, 1000, 4000])
            memory.Rent(words);

        Assert.Equal(PageBytes, memory.BytesHeld);
        Assert.Equal(SlabCache.SlabBytes, memory.BytesTaken);
    }

    [Fact]
    public void Rent_BlocksLongerThanAPage_HaveMemoryOfTheirOwnThatOthersOfTheirLengthUseAgain()
    {
        using var memory = new RowMemory(PageWords);

        Block[] blocks = [memory.Rent(PageWords + 100), memory.Rent(10 * PageWords), memory.Rent(10 * PageWords - 7)];
        long bytes = blocks.Sum(block => (long)block.Length * sizeof(float));
        Assert.Equal((bytes, bytes), (memory.BytesHeld, memory.BytesTaken));
        Array.ForEach(blocks, memory.Return);
        Assert.Equal((0, bytes), (memory.BytesHeld, memory.BytesTaken));

        Block[] again = [memory.Rent(10 * PageWords), memory.Rent(10 * PageWords)];
        Assert.Equal(bytes, memory.BytesTaken);
        memory.Rent(3 * PageWords);

        Assert.Equal(2 * 10 * PageBytes + 3 * PageBytes, memory.BytesTaken);
        Assert.Equal(memory.BytesHeld, memory.BytesTaken);
    }

    [Fact]
    public void Words_BlockThatWasReturned_AreNone()
    {
        using var memory = new RowMemory(PageWords);
        Block block = memory.Rent(100);

        memory.Return(block);

        Assert.True(block.Words.IsEmpty);
    }

    [Fact]
    public void TryRent_LimitReached_GivesNoneUntilAPageIsFree()
    {
        using var memory = new RowMemory(PageWords, limit: 3 * PageBytes);
        Block[] pages = [.. Enumerable.Range(0, 3).Select(_ => memory.TryRent(PageWords)!)];

        Assert.Null(memory.TryRent(16));
        Assert.False(memory.IsOverLimit);
        memory.Rent(16);        // needed at once
        Assert.True(memory.IsOverLimit);
        memory.Return(pages[0]);
        Assert.Null(memory.TryRent(PageWords));
        memory.Return(pages[1]);
        Assert.NotNull(memory.TryRent(PageWords));
        Assert.Equal(4 * PageBytes, memory.MostBytesHeld);
    }

    [Fact]
    public void Dispose_AnyBlocks_FreesThemAll()
    {
        var memory = new RowMemory(PageWords);
        foreach (int words in (int[])[16, PageWords, 3 * PageWords, PageWords])
            memory.Rent(words);
        memory.Return(memory.Rent(5 * PageWords));
        Assert.Equal(SlabCache.SlabBytes + (3 + 5) * PageBytes, memory.BytesTaken);

        memory.Dispose();
        memory.Dispose();        // twice is once

        Assert.Equal(0, memory.BytesTaken);
    }

    [Fact]
    public void Read_BlocksInTheFile_GivesWhatWasWrittenToEveryThread()
    {
        using var memory = new RowMemory(PageWords, limit: 1);
        Block[] blocks = [.. Enumerable.Range(0, 300).Select(number => Written(memory, number, 100 + 7 * number))];

        Parallel.For(0, 20_000, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            int number = i * 7 % blocks.Length;
            int start = i % 50;
            Assert.False(memory.Read(blocks[number], start, 50, i % 2 == 0 ? RowPart.Dense : RowPart.Sparse).ContainsAnyExcept((float)number));
        });
    }

    [Fact]
    public void Read_OtherPartAndOtherThreadsReadOtherBlocks_LeavesTheWordsInPlace()
    {
        using var memory = new RowMemory(PageWords, limit: 1);
        Block[] blocks = [.. Enumerable.Range(0, 300).Select(number => Written(memory, number, 1000))];
        ReadOnlySpan<float> dense = memory.Read(blocks[0], 0, 1000, RowPart.Dense);

        var other = new Thread(() => Array.ForEach(blocks, block => memory.Read(block, 0, 1000, RowPart.Dense)));
        other.Start();
        other.Join();
        foreach (Block block in blocks)
            memory.Read(block, 0, 1000, RowPart.Sparse);

        Assert.False(dense.ContainsAnyExcept(0f));
    }

    [Fact]
    public void Load_BlockInTheFile_IsInMemoryAndItsPlaceCanBeUsedAgain()
    {
        using var memory = new RowMemory(PageWords, limit: 1);
        for (int round = 0; round < 20; round++)
        {
            Block[] blocks = [.. Enumerable.Range(0, 100)
                .Select(number => Written(memory, number, number % 3 == 0 ? 3 * PageWords : 1000 * (1 + number % 7)))];
            for (int number = 0; number < blocks.Length; number++)
            {
                Block loaded = memory.Load(blocks[number]);
                Assert.False(loaded.IsInFile);
                Assert.False(loaded.Words[..loaded.Used].ContainsAnyExcept((float)number));
                Assert.Same(loaded, memory.Load(loaded));
                memory.Return(loaded);
            }
        }

        Assert.InRange(memory.MostFileBytes, 1, 100 * 3 * PageBytes);
    }

    [Fact]
    public void Dispose_FileInAFolder_LeavesNothing()
    {
        using var folder = new TemporaryFolder();
        var memory = new RowMemory(PageWords, limit: 1, () => new SpillFile(folder.File("")));
        Block block = Written(memory, 1, 1000);

        memory.Dispose();

        Assert.Empty(folder.Files);
        Assert.Throws<ObjectDisposedException>(() => memory.Read(block, 0, 1, RowPart.Dense).Length);
    }

    private static Block Written(RowMemory memory, int number, int words)
    {
        Block block = memory.RentInFile(words);
        float[] numbers = new float[words];
        Array.Fill(numbers, number);
        memory.Write(block, 0, numbers);
        block.Used = words;
        return block;
    }
}
