namespace MlNetRms.Objective;

/// <summary>Turns the sums of this process's part of a batch into those of the whole batch.</summary>
internal interface IReduction
{
    void Reduce(BatchSum sum);
}
