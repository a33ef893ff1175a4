using MlNetRms.Checkpoints;
using MlNetRms.Data;

namespace MlNetRms.Model;

/// <summary>All that changes in the parameters and what belongs to them, as plain data in the order of the columns, the bias last.</summary>
/// <param name="Values">What is stepped: the parameters in the units of training or, of dense columns with a transform, coordinates.</param>
/// <param name="Rule">The update rule's numbers for each parameter, by name.</param>
/// <param name="StepCount">Steps taken.</param>
/// <param name="AlphaPower">αᵗ, 0 once it no longer matters.</param>
/// <param name="LastSteps">For each parameter the step as of which all else is; null where that is <paramref name="StepCount"/> throughout.</param>
/// <param name="FirstAveragedStep">The first step, counted from 0, that counts in <paramref name="AverageSums"/>.</param>
/// <param name="AverageSums">Sum of each parameter over the averaged steps.</param>
/// <param name="EarlierCount">Steps that count beside those; see <see cref="AveragingPlan"/>.</param>
/// <param name="EarlierSums">Sum of each parameter over them; empty where there are none.</param>
/// <param name="Transform">From the coordinates of the dense columns to their weights; null where they are the same.</param>
/// <param name="LearningRate">η before the schedule, which tells what momentum has done since <paramref name="LastSteps"/>.</param>
internal sealed record ParameterState(
    float[] Values, IReadOnlyDictionary<string, float[]> Rule, long StepCount, double AlphaPower, long[]? LastSteps,
    long FirstAveragedStep, double[] AverageSums, long EarlierCount, double[] EarlierSums, IWeightTransform? Transform, float LearningRate)
{
    /// <summary>The same in the order of other columns, among which all of these are.</summary>
    public ParameterState Rearranged(TrainedColumns from, TrainedColumns to) => this with
    {
        Values = to.Rearrange(Values, from),
        Rule = Rule.ToDictionary(numbers => numbers.Key, numbers => to.Rearrange(numbers.Value, from)),
        LastSteps = LastSteps is null ? null : to.Rearrange(LastSteps, from),
        AverageSums = to.Rearrange(AverageSums, from),
        EarlierSums = to.Rearrange(EarlierSums, from),
    };

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="layout">The columns.</param>
    /// <param name="names">What the update rule keeps for each parameter.</param>
    /// <exception cref="FormatException">The parts do not fit together.</exception>
    public static ParameterState Read(CheckpointReader reader, RowLayout layout, IReadOnlyList<string> names)
    {
        int length = layout.ColumnCount + 1;
        float[] values = reader.ReadArray<float>(length);
        Dictionary<string, float[]> rule = names.Order(StringComparer.Ordinal).ToDictionary(name => name, _ => reader.ReadArray<float>(length));
        long stepCount = reader.ReadInt64();
        double alphaPower = reader.ReadDouble();
        long[]? lastSteps = reader.ReadOptional(() => reader.ReadArray<long>(length));
        long firstAveragedStep = reader.ReadInt64();
        double[] averageSums = reader.ReadArray<double>(length);
        long earlierCount = reader.ReadInt64();
        double[] earlierSums = reader.ReadArray<double>();
        IWeightTransform? transform = reader.ReadEnum<TransformKind>() switch
        {
            TransformKind.All => Decorrelation.Read(reader, layout.DenseCount),
            TransformKind.Leading => LeadingDecorrelation.Read(reader, layout.DenseCount),
            _ => null,
        };
        if (stepCount < 0 || (earlierSums.Length > 0 && earlierSums.Length != length) || Array.Exists(lastSteps ?? [], step => step < 0 || step > stepCount))
            throw new FormatException();
        return new(values, rule, stepCount, alphaPower, lastSteps, firstAveragedStep, averageSums, earlierCount, earlierSums, transform, reader.ReadSingle());
    }

    public void Write(BinaryWriter writer)
    {
        writer.WriteArray<float>(Values);
        foreach (string name in Rule.Keys.Order(StringComparer.Ordinal))
            writer.WriteArray<float>(Rule[name]);
        writer.Write(StepCount);
        writer.Write(AlphaPower);
        writer.WriteOptional(LastSteps, steps => writer.WriteArray<long>(steps));
        writer.Write(FirstAveragedStep);
        writer.WriteArray<double>(AverageSums);
        writer.Write(EarlierCount);
        writer.WriteArray<double>(EarlierSums);
        writer.WriteEnum(Transform switch { null => TransformKind.None, Decorrelation => TransformKind.All, _ => TransformKind.Leading });
        Transform?.Write(writer);
        writer.Write(LearningRate);
    }

    private enum TransformKind
    {
        None,
        All,
        Leading,
    }
}
