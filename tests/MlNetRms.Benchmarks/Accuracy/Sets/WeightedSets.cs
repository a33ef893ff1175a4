namespace MlNetRms.Benchmarks.Accuracy.Sets;

/// <summary>
/// Five columns, and example weights that correlate with the first one. The label also contains the square of the first column, which no linear
/// model fits, so the weights decide which plane is best.
/// </summary>
internal static class WeightedSets
{
    private const int Columns = 5;
    private const double Bend = 0.3;
    private const double Noise = 0.5;

    /// <summary>Weights exp(2·x) of a column from N(0, 1): 95 % of them between 0.02 and 50.</summary>
    public static ExampleSet Exponential(int rows, ulong seed) => Build(rows, seed, (ref random) =>
    {
        double x = random.Next();
        return (x, Math.Exp(2 * x));
    });

    /// <summary>Weights 10^u with u from N(0, 1), nearly all between 1e-3 and 1e3, and a column whose correlation with u is 0.7.</summary>
    public static ExampleSet LogNormal(int rows, ulong seed) => Build(rows, seed, (ref random) =>
    {
        double u = random.Next();
        return (Math.Sqrt(0.5) * (u + random.Next()), Math.Pow(10, u));
    });

    /// <summary>Weights 10^(3·u) with u uniform in −1..1, and a column whose correlation with u is 0.7.</summary>
    public static ExampleSet LogUniform(int rows, ulong seed) => Build(rows, seed, (ref random) =>
    {
        double u = 2 * random.Uniform() - 1;
        return (Math.Sqrt(0.5) * (Math.Sqrt(3) * u + random.Next()), Math.Pow(10, 3 * u));
    });

    private delegate (double X, double Weight) FirstColumn(ref NormalSource random);

    private static ExampleSet Build(int rows, ulong seed, FirstColumn draw)
    {
        var random = new NormalSource(seed);
        float[] slopes = Normals(Columns, ref random);
        float[][] features = new float[rows][];
        float[] labels = new float[rows];
        float[] weights = new float[rows];
        for (int row = 0; row < rows; row++)
        {
            (double x, double weight) = draw(ref random);
            features[row] = [(float)x, .. Normals(Columns - 1, ref random)];
            labels[row] = (float)(features[row].Zip(slopes, (value, slope) => (double)value * slope).Sum() + Bend * x * x + Noise * random.Next());
            weights[row] = (float)weight;
        }
        return ExampleSet.Dense(features, labels, weights);
    }

    private static float[] Normals(int count, ref NormalSource random)
    {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++)
            numbers[i] = random.Next();
        return numbers;
    }
}
