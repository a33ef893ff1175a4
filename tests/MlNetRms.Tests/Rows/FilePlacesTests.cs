using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;


namespace MlNetRms.Tests.Rows;

public sealed class FilePlacesTests
{
    private const int Length = 64;

    [Fact]
    public void TakeAndFree_AnyOrder_NeverOverlapAndReuseWhatIsFree()
    {
        var places = new FilePlaces(Length);
        ChunkSequence[] sequences = [new(), new(), new()];
        var random = new Random(1);
        var taken = new List<StoredChunk>();
        for (int i = 0; i < 20_000; i++)
        {
            if (taken.Count < 200 && random.Next(2) == 0)
            {
                // Longer ones too, each at a place of its own.
                var chunk = new StoredChunk(random.Next(4) == 0 ? Length + random.Next(3) : Length, sequences[random.Next(3)]);
                places.Take(chunk);
                Assert.DoesNotContain(taken, other => Overlap(chunk, other));
                Assert.InRange(chunk.Position + 4L * chunk.Length, 1, places.Length);
                taken.Add(chunk);
            }
            else if (taken.Count > 0)
            {
                int which = random.Next(taken.Count);
                places.Free(taken[which]);
                taken.RemoveAt(which);
            }
        }
        long reached = places.Length;
        taken.ForEach(places.Free);
        for (int i = 0; i < 200; i++)
            places.Take(new StoredChunk(Length, sequences[0]));

        Assert.Equal(reached, places.Length);
    }

    [Fact]
    public void Take_TwoSequencesInTurn_AreEachSideBySideInExtentsThatGrow()
    {
        var places = new FilePlaces(Length);
        ChunkSequence[] sequences = [new(), new()];
        StoredChunk[] chunks = [.. Enumerable.Range(0, 94).Select(i => new StoredChunk(Length, sequences[i % 2]))];
        foreach (StoredChunk chunk in chunks)
            places.Take(chunk);

        long[] jumps = [.. Enumerable.Range(2, 92).Where(i => i % 2 == 0 && chunks[i].Position != chunks[i - 2].Position + 4 * Length).Select(i => (long)i / 2)];
        Assert.Equal([1, 3, 7, 15, 31], jumps);
        Assert.Equal(94 * 4 * Length, places.Length);
        Assert.Equal(94 * 4 * Length, places.MostUsed);
    }

    [Fact]
    public void Free_ChunkThatHasNoPlace_ChangesNothing()
    {
        var places = new FilePlaces(Length);

        places.Free(new StoredChunk(Length, new ChunkSequence()));

        Assert.Equal(0, places.Length);
    }

    private static bool Overlap(StoredChunk one, StoredChunk other) =>
        one.Position < other.Position + 4L * other.Length && other.Position < one.Position + 4L * one.Length;
}
