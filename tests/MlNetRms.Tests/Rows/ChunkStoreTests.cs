using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Rows;

public sealed class ChunkStoreTests
{
    private const int Words = 64;

    [Theory]
    [InlineData(null, 1000)]
    [InlineData(1L, 1)]        // the one that is being read
    [InlineData(4L * Words * 200, 200)]
    public void Read_MoreChunksThanFit_GivesWhatWasWritten(long? limit, int inMemory)
    {
        using ChunkStore chunks = New(limit);
        var random = new Random(1);
        StoredChunk[] all = [.. Enumerable.Range(0, 1000).Select(number => Filled(chunks, number))];

        for (int i = 0; i < 10_000; i++)
        {
            int number = random.Next(all.Length);
            Assert.False(chunks.Read(all[number], RowPart.Dense).ContainsAnyExcept((float)number));
        }

        Assert.Equal(inMemory, all.Count(chunk => chunk.Memory is not null));
        Assert.Equal(limit is null, chunks.FileBytes == 0);
        Assert.InRange(chunks.FileBytes, 0, all.Length * Words * sizeof(float));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Read_OtherThreadsAndPartsReadThousandsOfOthers_LeavesTheWordsInPlace(int threads)
    {
        using ChunkStore chunks = New(1);
        StoredChunk[] all = [.. Enumerable.Range(0, 1000).Select(number => Filled(chunks, number))];
        ReadOnlySpan<float> dense = chunks.Read(all[0], RowPart.Dense);

        var others = new Thread[threads];
        for (int thread = 0; thread < threads; thread++)
        {
            others[thread] = new Thread(() =>
            {
                for (int i = 0; i < 5000; i++)
                    chunks.Read(all[i % all.Length], i % 2 == 0 ? RowPart.Dense : RowPart.Sparse);
            });
            others[thread].Start();
        }
        for (int number = 1; number < all.Length; number++)
            Assert.False(chunks.Read(all[number], RowPart.Sparse).ContainsAnyExcept((float)number));
        foreach (Thread other in others)
            other.Join();

        Assert.False(dense.ContainsAnyExcept(0f));
        Assert.Equal(Address.Of(all[0].Memory!.Words), Address.Of(dense));
    }

    [Fact]
    public void Read_InSequenceAgainAndAgain_MostOfTheMemoryKeepsItsChunks()
    {
        using ChunkStore chunks = New(4L * Words * 500);
        StoredChunk[] all = [.. Enumerable.Range(0, 1000).Select(number => Filled(chunks, number))];
        foreach (StoredChunk chunk in all)
            chunks.Read(chunk, RowPart.Dense);

        int found = 0;
        foreach (StoredChunk chunk in all)
        {
            found += chunk.Memory is not null ? 1 : 0;
            chunks.Read(chunk, RowPart.Dense);
        }

        Assert.InRange(found, 490, 500);
    }

    [Fact]
    public void Pin_WhileOthersNeedMemory_KeepsTheWordsInPlace()
    {
        using ChunkStore chunks = New(1);
        StoredChunk pinned = chunks.Rent(Words);
        pinned.Memory!.Words.Fill(-1);
        long address = Address.Of(pinned.Memory.Words);

        for (int number = 0; number < 1000; number++)
            Filled(chunks, number);

        Assert.Equal(address, Address.Of(pinned.Memory!.Words));
        Assert.False(pinned.Memory.Words.ContainsAnyExcept(-1f));
    }

    [Fact]
    public void PinForWriting_ChunkThatWasInTheFile_WritesTheChangeBack()
    {
        using ChunkStore chunks = New(1);
        StoredChunk[] all = [.. Enumerable.Range(0, 1000).Select(number => Filled(chunks, number))];

        for (int number = 0; number < all.Length; number += 3)
        {
            chunks.PinForWriting(all[number]);
            all[number].Memory!.Words[5] = -1;
            chunks.Unpin(all[number]);
        }

        for (int number = 0; number < all.Length; number++)
        {
            Assert.Equal(number % 3 == 0 ? -1 : number, chunks.Read(all[number], RowPart.Dense)[5]);
            Assert.Equal(number, chunks.Read(all[number], RowPart.Dense)[6]);
        }
    }

    [Fact]
    public void Return_ChunksInMemoryAndInTheFile_LetsOthersUseTheirPlaces()
    {
        using ChunkStore chunks = New(1);
        long bytes = 0;
        for (int round = 0; round < 20; round++)
        {
            StoredChunk[] all = [.. Enumerable.Range(0, 500).Select(number => Filled(chunks, number))];
            for (int number = 0; number < all.Length; number++)
                Assert.Equal(number, chunks.Read(all[number], RowPart.Dense)[0]);
            foreach (StoredChunk chunk in all)
                chunks.Return(chunk);
            bytes = round == 0 ? chunks.FileBytes : bytes;
        }

        Assert.InRange(chunks.FileBytes, 1, bytes);
    }

    [Fact]
    public void Rent_ChunksOfOtherLengths_AreMovedToo()
    {
        using ChunkStore chunks = New(1);
        StoredChunk[] all = [.. Enumerable.Range(0, 300).Select(number => Filled(chunks, number, Words * (1 + number % 3) + number % 2))];

        for (int number = 0; number < all.Length; number++)
        {
            Assert.Equal(all[number].Length, chunks.Read(all[number], RowPart.Dense).Length);
            Assert.False(chunks.Read(all[number], RowPart.Dense).ContainsAnyExcept((float)number));
        }
        Assert.True(chunks.FileBytes > 0);
    }

    [Fact]
    public void Pin_SeveralThreads_GivesWhatWasWritten()
    {
        using ChunkStore chunks = New(1);
        var all = new StoredChunk[2000];
        Parallel.For(0, all.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, number => all[number] = Filled(chunks, number));

        Parallel.For(0, 4 * all.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            int number = i * 7 % all.Length;
            chunks.Pin(all[number]);
            Assert.False(all[number].Memory!.Words.ContainsAnyExcept((float)number));
            chunks.Unpin(all[number]);
        });
    }

    [Fact]
    public void Dispose_FileInAFolder_LeavesNothing()
    {
        using var folder = new TemporaryFolder();
        var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, Words), memoryLimit: 1, () => new SpillFile(folder.File("")));
        for (int number = 0; number < 500; number++)
            Filled(chunks, number);
        Assert.True(chunks.FileBytes > 0);

        chunks.Dispose();

        Assert.Empty(folder.Files);
    }

    [Fact]
    public void Unpin_FolderThatIsGone_ThrowsIOExceptionThatNamesIt()
    {
        string gone;
        using (var folder = new TemporaryFolder())
            gone = folder.File("gone");
        using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, Words), memoryLimit: 1, () => new SpillFile(gone));

        var thrown = Assert.ThrowsAny<IOException>(() =>
        {
            for (int number = 0; number < 500; number++)
                Filled(chunks, number);
        });

        Assert.Contains(gone, thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Expect_SomeChunks_NamesThoseInTheFileAndJoinsNeighbours()
    {
        var file = new RecordingFile();
        using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, Words), 4L * Words * 100, () => file);
        StoredChunk[] all = [.. Enumerable.Range(0, 300).Select(number => Filled(chunks, number))];
        StoredChunk[] away = [.. all.Where(chunk => chunk.Memory is null)];

        chunks.Expect(all);

        long[] expected = [.. file.Expected.SelectMany(range => Enumerable.Range(0, (int)(range.Bytes / (4 * Words))).Select(i => range.Position + 4L * Words * i))];
        Assert.Equal(away.Select(chunk => chunk.Position), expected);
        Assert.InRange(file.Expected.Count, 1, 20);
        Assert.All(away, chunk => Assert.Null(chunk.Memory));
    }

    [Fact]
    public void Keep_ChunksInTheFile_AreInMemoryUntilOthersAreKept()
    {
        var file = new RecordingFile();
        using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, Words), memoryLimit: 1, () => file);
        StoredChunk[] all = [.. Enumerable.Range(0, 300).Select(number => Filled(chunks, number))];

        chunks.Keep(all.AsSpan(0, 5));
        chunks.Keep(all.AsSpan(4, 3));
        for (int number = 100; number < 300; number++)
            chunks.Read(all[number], RowPart.Dense);
        int reads = file.Steps.Count;
        Assert.Equal([4, 5, 6, 299], Enumerable.Range(0, 300).Where(number => all[number].Memory is not null));        // and the one held by its reader
        for (int number = 4; number < 7; number++)
            Assert.False(chunks.Read(all[number], RowPart.Dense).ContainsAnyExcept((float)number));

        Assert.Equal(reads, file.Steps.Count);
    }

    [Fact]
    public void Read_TheFileFails_ThrowsAndTheNextThreadTriesAgain()
    {
        var file = new RecordingFile { BeforeRead = number => throw new IOException($"read {number}") };
        using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, Words), 4L * Words * 100, () => file);
        StoredChunk[] all = [.. Enumerable.Range(0, 300).Select(number => Filled(chunks, number))];
        StoredChunk away = all.First(chunk => chunk.Memory is null);

        Assert.Equal("read 1", Assert.Throws<IOException>(() => chunks.Read(away, RowPart.Dense)).Message);
        Assert.Equal("read 2", Assert.Throws<IOException>(() => chunks.Read(away, RowPart.Dense)).Message);
    }

    [Fact]
    public void Write_ChunksOfManySequencesInTurn_AreSideBySideInTheFile()
    {
        using ChunkStore chunks = New(1);
        var sequences = new ChunkSequence[10];
        for (int i = 0; i < sequences.Length; i++)
            sequences[i] = new ChunkSequence();
        StoredChunk[] all = [.. Enumerable.Range(0, 1000).Select(number => Filled(chunks, number, sequence: sequences[number % 10]))];
        chunks.Read(Filled(chunks, -1), RowPart.Dense);

        Assert.Equal(all.Length, all.Select(chunk => chunk.Position).Distinct().Count());
        foreach (IGrouping<ChunkSequence, StoredChunk> sequence in all.GroupBy(chunk => chunk.Sequence))
        {
            int jumps = sequence.Zip(sequence.Skip(1)).Count(pair => pair.Second.Position != pair.First.Position + Words * sizeof(float));
            Assert.InRange(jumps, 100 / 16, 10);        // extents of 1, 2, 4, 8 and then 16 chunks
        }
    }

    private static ChunkStore New(long? limit) => new(new ChunkPool(NativeSlabAllocator.Instance, Words), limit);

    private static StoredChunk Filled(ChunkStore chunks, int number, int length = Words, ChunkSequence? sequence = null)
    {
        StoredChunk chunk = chunks.Rent(length, sequence);
        chunk.Memory!.Words.Fill(number);
        chunks.Unpin(chunk);
        return chunk;
    }
}
