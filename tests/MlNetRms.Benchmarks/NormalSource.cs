namespace MlNetRms.Benchmarks;

/// <summary>Numbers from N(0, 1), a few nanoseconds each: SplitMix64 and the ziggurat of Marsaglia and Tsang (2000), 256 layers.</summary>
internal struct NormalSource(ulong stream)
{
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15;
    private const int Layers = 256;
    private const double TailStart = 3.6541528853610088;
    private const double LayerArea = 0.00492867323399;
    private static readonly double[] _edges = Edges();
    private static readonly double[] _heights = [.. _edges.Select(Density)];
    private ulong _state = Mix(stream * 0xD1342543DE82EF95 + GoldenGamma);

    public float Next()
    {
        while (true)
        {
            ulong bits = NextBits();
            int layer = (int)(bits % Layers);
            double x = ((long)bits >> 11) * (1.0 / (1L << 52)) * _edges[layer];
            if (Math.Abs(x) < _edges[layer + 1])
                return (float)x;
            if (layer == 0)
                return (float)Math.CopySign(Tail(), x);
            if (_heights[layer] + Uniform() * (_heights[layer + 1] - _heights[layer]) < Density(x))
                return (float)x;
        }
    }

    public double[] Normals(int count)
    {
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++)
            numbers[i] = Next();
        return numbers;
    }

    /// <summary>A whole number in [0, bound).</summary>
    public int Below(int bound) => (int)Math.BigMul(NextBits(), (ulong)bound, out _);

    private double Tail()
    {
        double x, y;
        do
        {
            x = -Math.Log(1 - Uniform()) / TailStart;
            y = -Math.Log(1 - Uniform());
        }
        while (2 * y < x * x);
        return TailStart + x;
    }

    /// <summary>A number in [0, 1).</summary>
    public double Uniform() => (NextBits() >> 11) * (1.0 / (1L << 53));

    private ulong NextBits() => Mix(_state += GoldenGamma);

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private static double Density(double x) => Math.Exp(-0.5 * x * x);

    /// <summary>Right edges of the layers, from the bottom one, which includes the tail, to the empty top.</summary>
    private static double[] Edges()
    {
        var edges = new double[Layers + 1];
        edges[0] = LayerArea / Density(TailStart);
        edges[1] = TailStart;
        for (int layer = 1; layer < Layers - 1; layer++)
            edges[layer + 1] = Math.Sqrt(-2 * Math.Log(LayerArea / edges[layer] + Density(edges[layer])));
        return edges;
    }
}
