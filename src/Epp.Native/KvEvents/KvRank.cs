namespace Epp.Native.KvEvents;

/// <summary>One holder of blocks: a worker and its data-parallel rank.</summary>
/// <param name="WorkerId">Instance id of the worker: Dynamo's, or the number a subscriber gave an engine.</param>
/// <param name="DpRank">Data-parallel rank, from 0.</param>
public readonly record struct KvRank(ulong WorkerId, uint DpRank);
