// The gateway configuration and the recordings name fixed ports.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
