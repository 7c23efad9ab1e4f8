// One EPP at a time: the tests measure counters, memory and time of a whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
