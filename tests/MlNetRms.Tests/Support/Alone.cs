namespace MlNetRms.Tests.Support;

/// <summary>Tests that look at the whole process, its memory or its threads: they run when no other test does.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
