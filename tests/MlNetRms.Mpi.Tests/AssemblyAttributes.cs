// Waiting ranks keep all cores busy.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
