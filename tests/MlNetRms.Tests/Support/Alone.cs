namespace MlNetRms.Tests.Support;

/// <summary>Tests that measure the memory or threads of the whole process; they run while no other test runs.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
