namespace MlNetRms.Kernels;

/// <summary>What the random numbers are for; each purpose has its own stream.</summary>
internal enum RandomStream
{
    Bucket = 1,
    RowOrder,
    BatchOrder,
    InitialWeights,
    ValidationSplit,
    Part,
}
