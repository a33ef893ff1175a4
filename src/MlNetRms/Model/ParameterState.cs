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
}
