using MlNetRms.Data;
using MlNetRms.Model;

namespace MlNetRms.Training;

/// <summary>Which sparse columns each thread updates.</summary>
internal static class SparseParts
{
    /// <summary>Fewer values in a batch take no longer than the threads need to meet.</summary>
    private const double ValuesForThreads = 4000;

    /// <summary>Where the parts of the places end: about as many values in each as in another, one part for few values.</summary>
    /// <param name="layout">The order of the parameters.</param>
    /// <param name="scaling">Tells how many values a column has.</param>
    /// <param name="batchSize">Rows of a mini-batch.</param>
    /// <param name="numberOfThreads">Most parts.</param>
    public static int[] Ends(ParameterLayout layout, Scaling scaling, int batchSize, int numberOfThreads)
    {
        var shares = new double[layout.SparseLength];
        for (int column = 0; column < layout.ColumnCount; column++)
        {
            if (layout.Position(column) >= layout.DenseLength)
                shares[layout.Position(column) - layout.DenseLength] = scaling.NonZeroShare(column);
        }
        double total = shares.Sum();
        if (total * batchSize < ValuesForThreads)
            return [shares.Length];
        var ends = new List<int>();
        double sum = 0;
        for (int place = 0; place < shares.Length; place++)
        {
            sum += shares[place];
            if (sum >= total * (ends.Count + 1) / numberOfThreads && ends.Count < numberOfThreads - 1)
                ends.Add(place + 1);
        }
        if (ends.LastOrDefault() < shares.Length)
            ends.Add(shares.Length);
        return [.. ends];
    }
}
