namespace MlNetRms.Data;

/// <summary>Rows of a job: those of this process's parts, and what they add up to with those of all other parts.</summary>
internal sealed class RowSet
{
    private readonly JobParts _job;
    private readonly long[] _rowCounts;

    /// <param name="parts">The rows of each of this process's parts; some can be empty.</param>
    /// <param name="job">All parts.</param>
    public RowSet(IReadOnlyList<RowStore> parts, JobParts job)
    {
        Parts = parts;
        _job = job;
        _rowCounts = [.. InTurn(part => [part.RowCount]).Select(count => (long)count[0])];
        RowCount = _rowCounts.Sum();
    }

    /// <summary>This process's parts.</summary>
    public IReadOnlyList<RowStore> Parts { get; }

    /// <summary>The number of the first of them in the job.</summary>
    public int FirstPart => _job.First;

    public RowLayout Layout => Parts[0].Layout;

    /// <summary>Rows of all parts.</summary>
    public long RowCount { get; }

    /// <summary>Rows of each part of the job.</summary>
    public IReadOnlyList<long> RowCounts => _rowCounts;

    /// <summary>Whether there is more than one part.</summary>
    public bool IsDivided => _job.Count > 1;

    /// <summary>The rows of one process, undivided.</summary>
    public static implicit operator RowSet(RowStore rows) => new([rows], JobParts.One);

    /// <summary>Adds up over all parts, in their order.</summary>
    /// <param name="ofPart">The numbers of one part, as many for each.</param>
    public double[] Sum(Func<RowStore, double[]> ofPart) => _job.Sum([.. Parts.Select(ofPart)]);

    /// <summary>Numbers of all parts, part by part; every process must take them all.</summary>
    /// <inheritdoc cref="Sum" path="/param"/>
    public IEnumerable<double[]> InTurn(Func<RowStore, double[]> ofPart) => _job.InTurn([.. Parts.Select(ofPart)]);

    /// <summary>Most rows that a part can have in a batch of so many rows, of which each part gives its share.</summary>
    public int LargestRun(int batchSize) => (int)(((Int128)batchSize * _rowCounts.Max() + RowCount - 1) / RowCount);

    /// <summary>How many of a sample of all rows one part gives: its share.</summary>
    public long ShareOf(RowStore part, long sample) => sample == RowCount ? part.RowCount : (long)((Int128)sample * part.RowCount / RowCount);
}
