using MlNetRms.Checkpoints;
using MlNetRms.Data;
using MlNetRms.Model;
using MlNetRms.Objective;
using MlNetRms.Rules;
using MlNetRms.Settings;

namespace MlNetRms.Training;

/// <summary>
/// All of a training, as plain data that no other object changes: what fixes it, and all that changes while it runs. Enough to
/// continue as if there had been no break, whether in the middle of a training or with a new one. Independent of how the
/// columns are stored.
/// </summary>
/// <param name="Identity">The settings that give the numbers their meaning.</param>
/// <param name="Plan">How long the training is.</param>
/// <param name="Scaling">The units.</param>
/// <param name="L2">λ of the L2 penalty as it took effect.</param>
/// <param name="Parameters">Weights, the rule's state, and the running average.</param>
/// <param name="EpochsBefore">Epochs of the trainings that this one continues, so that each epoch has its own order of batches.</param>
/// <param name="StepsBefore">Their steps.</param>
/// <param name="Epoch">Epochs done in this training.</param>
/// <param name="Part">What has been done of the next one.</param>
/// <param name="StopReason">Why it ended, if it has ended before its last epoch.</param>
/// <param name="Best">The best epoch so far, with early stopping.</param>
/// <param name="Reports">Of the epochs so far.</param>
/// <param name="Elapsed">Time that it has taken.</param>
internal sealed record TrainingState(
    TrainingIdentity Identity, TrainingPlan Plan, Scaling Scaling, float L2, ParameterState Parameters,
    int EpochsBefore, long StepsBefore, int Epoch, EpochPart Part, StopReason StopReason, BestEpochState? Best, IReadOnlyList<EpochReport> Reports,
    TimeSpan Elapsed)
{
    /// <summary>Epochs done, those before included.</summary>
    public int TotalEpochs => EpochsBefore + Epoch;

    /// <summary>The last weights by column and the bias, in the units of <see cref="Scaling"/>.</summary>
    public double[] Weights()
    {
        double[] weights = Array.ConvertAll(Parameters.Values, value => (double)value);
        if (Parameters.Transform is not { } decorrelation)
            return weights;
        RowLayout layout = LayoutOf(Scaling);
        int[] dense = [.. Enumerable.Range(0, layout.ColumnCount).Where(column => layout.Position(column) < layout.DenseCount)];
        double[] coordinates = Array.ConvertAll(dense, column => weights[column]);
        decorrelation.ToWeights(coordinates);
        for (int lane = 0; lane < dense.Length; lane++)
            weights[dense[lane]] = coordinates[lane];
        return weights;
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="FormatException">The parts do not fit together.</exception>
    public static TrainingState Read(CheckpointReader reader)
    {
        TrainingIdentity identity = TrainingIdentity.Read(reader);
        var plan = new TrainingPlan(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64());
        var scaling = new Scaling(reader);
        float l2 = reader.ReadSingle();
        var parameters = ParameterState.Read(reader, LayoutOf(scaling), new RmsPropRule(identity.Rule).StateNames);
        var state = new TrainingState(identity, plan, scaling, l2, parameters, reader.ReadInt32(), reader.ReadInt64(), reader.ReadInt32(),
            new EpochPart(reader.ReadInt32(), new LossSum(reader.ReadDouble(), reader.ReadDouble())), reader.ReadEnum<StopReason>(),
            reader.ReadOptional(() => new BestEpochState(reader.ReadInt32(), reader.ReadDouble(), reader.ReadArray<double>(scaling.Columns.Count + 1))),
            ReadReports(reader), new TimeSpan(reader.ReadInt64()));
        bool fits = identity.FeatureCount == scaling.Columns.FeatureCount && state is { Epoch: >= 0, EpochsBefore: >= 0, StepsBefore: >= 0 }
            && state.Epoch <= plan.NumberOfEpochs && state.Part.Steps >= 0 && state.Part.Steps <= plan.StepsPerEpoch;
        return fits ? state : throw new FormatException();
    }

    public void Write(BinaryWriter writer)
    {
        Identity.Write(writer);
        writer.Write(Plan.BatchSize);
        writer.Write(Plan.StepsPerEpoch);
        writer.Write(Plan.NumberOfEpochs);
        writer.Write(Plan.AveragedSteps);
        Scaling.Write(writer);
        writer.Write(L2);
        Parameters.Write(writer);
        writer.Write(EpochsBefore);
        writer.Write(StepsBefore);
        writer.Write(Epoch);
        writer.Write(Part.Steps);
        writer.Write(Part.Losses.Loss);
        writer.Write(Part.Losses.Weight);
        writer.WriteEnum(StopReason);
        writer.WriteOptional(Best, best =>
        {
            writer.Write(best!.Epoch);
            writer.Write(best.Loss);
            writer.WriteArray<double>(best.Weights);
        });
        writer.Write(Reports.Count);
        foreach (EpochReport report in Reports)
        {
            writer.Write(report.Epoch);
            writer.Write(report.NumberOfEpochs);
            writer.Write(report.Step);
            writer.Write(report.Loss);
            writer.WriteOptional(report.ValidationLoss, loss => writer.Write(loss!.Value));
            writer.Write(report.LearningRate);
            writer.Write(report.Elapsed.Ticks);
            writer.Write(report.RowsPerSecond);
        }
        writer.Write(Elapsed.Ticks);
    }

    private static List<EpochReport> ReadReports(CheckpointReader reader)
    {
        var reports = new List<EpochReport>();
        for (int left = reader.ReadInt32(); left > 0; left--)
        {
            reports.Add(new EpochReport
            {
                Epoch = reader.ReadInt32(),
                NumberOfEpochs = reader.ReadInt32(),
                Step = reader.ReadInt64(),
                Loss = reader.ReadDouble(),
                ValidationLoss = reader.ReadOptionalValue(reader.ReadDouble),
                LearningRate = reader.ReadSingle(),
                Elapsed = new TimeSpan(reader.ReadInt64()),
                RowsPerSecond = reader.ReadDouble(),
            });
        }
        return reports;
    }

    private static RowLayout LayoutOf(Scaling scaling) => new(scaling.Columns, scaling.IsSparse, hasWeights: false);
}
