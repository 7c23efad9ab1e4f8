using Epp.Native.Pool;

namespace Epp.Native.Scheduling;

/// <summary>Endpoints still allowed for one request, as slots of one snapshot, in the order scores are written.</summary>
public readonly ref struct Candidates(PoolSnapshot pool, ReadOnlySpan<ushort> indexes)
{
    public PoolSnapshot Pool { get; } = pool;

    /// <summary>Slots; position i here is position i of every score span.</summary>
    public ReadOnlySpan<ushort> Indexes { get; } = indexes;

    public int Count => Indexes.Length;
}
