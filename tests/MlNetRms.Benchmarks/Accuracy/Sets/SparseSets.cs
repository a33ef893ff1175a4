using System.Text;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetRms.Benchmarks.Accuracy.Sets;

/// <summary>Categories as one-hot columns, and documents.</summary>
internal static class SparseSets
{
    /// <summary>
    /// Categories with the same number of levels and one column per level. Levels are drawn in proportion to 1/rank and have independent
    /// effects from N(0, 1).
    /// </summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="categories">Number of categories.</param>
    /// <param name="levels">Levels per category.</param>
    /// <param name="noise">Standard deviation of the label's noise.</param>
    /// <param name="drops">The level of the first category that has no column, if any.</param>
    /// <param name="seed">Seed of effects and rows.</param>
    public static ExampleSet Levels(int rows, int categories, int levels, double noise, Dropped drops, ulong seed)
    {
        var random = new NormalSource(seed);
        double[] cumulative = new double[levels];
        for (int level = 0; level < levels; level++)
            cumulative[level] = (level == 0 ? 0 : cumulative[level - 1]) + 1.0 / (level + 1);
        float[] effects = new float[categories * levels];
        for (int i = 0; i < effects.Length; i++)
            effects[i] = random.Next();
        int dropped = drops switch { Dropped.MostFrequent => 0, Dropped.Rarest => levels - 1, _ => categories * levels };
        int columnCount = categories * levels - (drops == Dropped.None ? 0 : 1);
        var features = new VBuffer<float>[rows];
        float[] labels = new float[rows];
        for (int row = 0; row < rows; row++)
        {
            double label = noise * random.Next();
            var columns = new List<int>();
            for (int category = 0; category < categories; category++)
            {
                int found = Array.BinarySearch(cumulative, random.Uniform() * cumulative[^1]);
                int level = found < 0 ? ~found : found;
                int column = category * levels + level;
                label += effects[column];
                if (column != dropped)
                    columns.Add(column < dropped ? column : column - 1);
            }
            features[row] = new VBuffer<float>(columnCount, columns.Count, [.. columns.Select(_ => 1f)], [.. columns]);
            labels[row] = (float)label;
        }
        return new ExampleSet(features, labels);
    }

    /// <summary>
    /// Documents of artificial words, few of them frequent. Every second document has label 1, and one in thirty of its words is replaced by an
    /// informative one; the others have label 0.
    /// </summary>
    public static Document[] Documents(int count, int words, ulong seed)
    {
        const int Vocabulary = 5000;
        const int OneIn = 30;
        var random = new NormalSource(seed);
        var documents = new Document[count];
        var text = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            text.Clear();
            bool isTold = i % 2 == 1;
            for (int word = words / 2 + random.Below(words); word > 0; word--)
            {
                if (isTold && random.Below(OneIn) == 0)
                    text.Append("good ");
                else
                    text.Append('w').Append((int)(Vocabulary * Math.Pow(random.Uniform(), 3))).Append(' ');
            }
            documents[i] = new Document { Text = text.ToString(), Label = isTold ? 1 : 0 };
        }
        return documents;
    }

    /// <summary>The documents as training and test rows; the dictionary and the frequencies come from the training rows.</summary>
    public static (ExampleSet Training, ExampleSet Test) Featurized(Document[] documents, Func<MLContext, IEstimator<ITransformer>> features)
    {
        const double TrainingShare = 0.75;
        var context = new MLContext(seed: 1);
        // Every second document has label 1, so the first and the second half are alike.
        int cut = (int)(TrainingShare * documents.Length);
        IDataView training = context.Data.LoadFromEnumerable(documents[..cut]);
        IDataView test = context.Data.LoadFromEnumerable(documents[cut..]);
        ITransformer transformer = features(context).Fit(training);
        return (ExampleSet.Read(transformer.Transform(training)), ExampleSet.Read(transformer.Transform(test)));
    }
}

/// <summary>Which level has no column.</summary>
internal enum Dropped
{
    /// <summary>Every level has a column.</summary>
    None,

    /// <summary>The most frequent level is the reference.</summary>
    MostFrequent,

    /// <summary>The rarest level is the reference: the other columns add up to 1 in almost all rows, like the bias's column.</summary>
    Rarest,
}

/// <summary>A text and its label.</summary>
internal sealed class Document
{
    public required string Text { get; set; }

    public required float Label { get; set; }
}
