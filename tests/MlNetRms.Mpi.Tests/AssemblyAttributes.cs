// Ranks that wait for each other take all cores.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
