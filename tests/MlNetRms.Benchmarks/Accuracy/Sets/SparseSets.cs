using System.Text;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetRms.Benchmarks.Accuracy.Sets;

/// <summary>Categories as one-hot columns, and documents.</summary>
internal static class SparseSets
{
    /// <summary>
    /// Categories, each with as many levels, one column a level; a level is drawn in proportion to 1/rank and has an effect from
    /// N(0, 1) of its own.
    /// </summary>
    /// <param name="rows">How many.</param>
    /// <param name="categories">Values a row.</param>
    /// <param name="levels">Of each category.</param>
    /// <param name="noise">Of the label.</param>
    /// <param name="drops">The level of the first category that has no column, if any.</param>
    /// <param name="seed">Of effects and rows.</param>
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
    /// Documents of made-up words, few of them frequent; in every second document one word in thirty is replaced by a telling
    /// one, and its label is 1, else 0.
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

    /// <summary>The documents as rows, training rows and test rows; the words and their frequencies are taken from the training rows.</summary>
    public static (ExampleSet Training, ExampleSet Test) Featurized(Document[] documents, Func<MLContext, IEstimator<ITransformer>> features)
    {
        const double TrainingShare = 0.75;
        var context = new MLContext(seed: 1);
        // Every second document is told, so two halves in order are alike.
        int cut = (int)(TrainingShare * documents.Length);
        IDataView training = context.Data.LoadFromEnumerable(documents[..cut]);
        IDataView test = context.Data.LoadFromEnumerable(documents[cut..]);
        ITransformer transformer = features(context).Fit(training);
        return (ExampleSet.Read(transformer.Transform(training)), ExampleSet.Read(transformer.Transform(test)));
    }
}

/// <summary>A level that stands for itself by having no column.</summary>
internal enum Dropped
{
    /// <summary>Every level has a column.</summary>
    None,

    /// <summary>The others are compared with the usual one.</summary>
    MostFrequent,

    /// <summary>The others add up to nearly 1 in all rows, as the bias's column does.</summary>
    Rarest,
}

/// <summary>A text and what it is about.</summary>
internal sealed class Document
{
    public required string Text { get; set; }

    public required float Label { get; set; }
}
