namespace MlNetRms.Data;

/// <summary>The example weights of some rows, as sums.</summary>
internal struct ExampleWeights
{
    private const double FewRows = 10;
    private const double SmallShare = 0.1;

    private double _squares;

    public long RowCount { get; private set; }

    public double Sum { get; private set; }

    public double Largest { get; private set; }

    public readonly double Mean => Sum / RowCount;

    /// <summary>(Σ c)² / Σ c²: so many rows of equal weight would say as much (Kish 1965).</summary>
    public readonly double EffectiveRows => Sum * Sum / _squares;

    /// <summary>Whether a few rows decide the model.</summary>
    public readonly bool AreDominated => EffectiveRows < Math.Min(FewRows, SmallShare * RowCount);

    /// <summary>All of it as numbers; <see cref="Add(ReadOnlySpan{double})"/> takes them.</summary>
    public readonly double[] ToNumbers() => [RowCount, Sum, _squares, Largest];

    /// <summary>Takes in the weights of other rows.</summary>
    public void Add(ReadOnlySpan<double> numbers)
    {
        RowCount += (long)numbers[0];
        Sum += numbers[1];
        _squares += numbers[2];
        Largest = Math.Max(Largest, numbers[3]);
    }

    public void Add(double weight)
    {
        RowCount++;
        Sum += weight;
        _squares += weight * weight;
        Largest = Math.Max(Largest, weight);
    }
}
