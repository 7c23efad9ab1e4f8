namespace Epp.Native.Pool;

/// <summary>The pool at one moment. Immutable but for the live columns; safe to share; read once per request and used to its end.</summary>
public sealed class PoolSnapshot
{
    internal PoolSnapshot(Endpoint?[] byIndex, ushort[] indexes, EndpointColumns columns, long generation)
    {
        ByIndex = byIndex;
        Indexes = indexes;
        Columns = columns;
        Generation = generation;
    }

    /// <summary>Endpoint of each slot; null = free slot. Length = <see cref="EndpointColumns.Capacity"/>.</summary>
    public Endpoint?[] ByIndex { get; }

    /// <summary>Used slots, ascending.</summary>
    public ushort[] Indexes { get; }

    public EndpointColumns Columns { get; }

    /// <summary>Grows by one with every publish.</summary>
    public long Generation { get; }

    /// <summary>Endpoints in the pool.</summary>
    public int Count => Indexes.Length;

    /// <summary>The endpoint in a used slot.</summary>
    public Endpoint this[ushort index] => ByIndex[index]!;
}
