using MlNetRms.Jobs;
using MlNetRms.Kernels;

namespace MlNetRms.Rows;

/// <summary>
/// Some rows of a shard as they were read, with which the returned model is measured in raw units: one of every 2ᵏ rows in a row, drawn by seed and
/// row number alone. k begins at 0 and grows when there are too many, so that a small shard is kept whole.
/// </summary>
internal sealed class RowSample(int featureCount, int seed, int mostRows = RowSample.MostRows, long mostWords = RowSample.MostWords)
{
    /// <summary>Most rows of all shards of a job.</summary>
    public const int MostRows = 1000;

    /// <summary>Fewer rows are kept of very wide ones.</summary>
    public const long MostWords = 1 << 20;

    private readonly SeededRandom _random = new(seed, RandomStream.RowSample);
    private readonly RowBlock _rows = new(featureCount);
    private int _level;
    private long _next;

    /// <summary>Rows of the shard so far.</summary>
    public long RowsSeen { get; private set; }

    /// <summary>Rows kept.</summary>
    public int Count => _rows.RowCount;

    /// <summary>A row that was kept.</summary>
    public Row this[int number] => _rows.RowAt(number);

    /// <summary>An empty sample of one of a job's shards, which all have the same share.</summary>
    public static RowSample Of(Shards job, int featureCount, int seed) =>
        new(featureCount, seed, Math.Max(1, MostRows / job.Count), MostWords / job.Count);

    /// <summary>Takes in the next rows of the shard.</summary>
    public void Add(RowBlock block)
    {
        while (_next < RowsSeen + block.RowCount)
        {
            _rows.Add(block.RowAt((int)(_next - RowsSeen)));
            while (Count > mostRows || (_rows.Length > mostWords && Count > 1))
                Thin();
            _next = Chosen(Count);
        }
        RowsSeen += block.RowCount;
    }

    /// <summary>Keeps one row of every two. The last may lack its other, which then comes later if it is the one to keep.</summary>
    private void Thin()
    {
        _level++;
        long number = 0;
        _rows.Keep((in Row _) =>
        {
            (long pair, long second) = Math.DivRem(number++, 2);
            return SecondIsChosen(_level, pair) == (second == 1);
        });
    }

    /// <summary>The number of the row that is kept of a group of 2ᵏ.</summary>
    private long Chosen(long group)
    {
        for (int level = _level; level > 0; level--)
            group = 2 * group + (SecondIsChosen(level, group) ? 1 : 0);
        return group;
    }

    /// <summary>Which of its two halves a group gives its row from.</summary>
    private bool SecondIsChosen(int level, long group) => (_random.Bits((group << 6) + level) & 1) != 0;
}
