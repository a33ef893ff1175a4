namespace MlNetRms.Kernels;

/// <summary>
/// Random numbers without state: the i-th number is a pure function of seed, stream, substream and i, so any run can
/// reproduce any number of the sequence. SplitMix64 (Steele, Lea and Flood 2014).
/// </summary>
internal readonly struct SeededRandom
{
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15;
    private const double UnitStep = 1.0 / (1L << 53);
    private readonly ulong _key;

    public SeededRandom(int seed, RandomStream stream, long substream = 0) =>
        _key = Mix(Mix(Mix((uint)seed + GoldenGamma) + (ulong)stream) + (ulong)substream);

    /// <summary>64 random bits.</summary>
    public ulong Bits(long index) => Mix(_key + (ulong)index * GoldenGamma);

    /// <summary>A whole number in [0, bound); its bias, at most bound / 2⁶⁴, is negligible.</summary>
    public long Below(long index, long bound) => (long)Math.BigMul(Bits(index), (ulong)bound, out _);

    /// <summary>A number in [0, 1).</summary>
    public double Unit(long index) => (Bits(index) >> 11) * UnitStep;

    /// <summary>A number from N(0, 1), by Box and Muller's transform.</summary>
    public double Gaussian(long index)
    {
        double u = ((Bits(2 * index) >> 11) + 1) * UnitStep;
        double v = (Bits(2 * index + 1) >> 11) * UnitStep;
        return Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(2 * Math.PI * v);
    }

    /// <summary>Fisher and Yates's shuffle.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = (int)Below(i, i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

/// <summary>What the random numbers are for; each purpose has its own stream.</summary>
internal enum RandomStream
{
    Bucket = 1,
    RowOrder,
    BatchOrder,
    InitialWeights,
    ValidationSplit,
    Shard,
    Sketch,
    Leverage,
    RowSample,
}
