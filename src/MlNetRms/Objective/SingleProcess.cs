namespace MlNetRms.Objective;

/// <summary>The part is the whole.</summary>
internal sealed class SingleProcess : IReduction
{
    public static SingleProcess Instance { get; } = new();

    public void Reduce(BatchSum sum)
    {
    }
}
