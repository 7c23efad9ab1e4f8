using Epp.Native.Pool;

namespace Epp.Native.Scheduling;

/// <summary>Endpoints still allowed for one request, as slots of one snapshot, in the order scores are written.</summary>
/// <param name="pool">The snapshot the slots belong to.</param>
/// <param name="indexes">Used slots of it.</param>
/// <param name="isRange">True where the slots are known to be consecutive; columns are then copied instead of gathered.</param>
public readonly ref struct Candidates(PoolSnapshot pool, ReadOnlySpan<ushort> indexes, bool isRange = false)
{
    public PoolSnapshot Pool { get; } = pool;

    /// <summary>Slots; position i here is position i of every score span.</summary>
    public ReadOnlySpan<ushort> Indexes { get; } = indexes;

    public int Count => Indexes.Length;

    /// <summary>Copies each candidate's entry of a pool column; a concurrent scrape cannot change the copy.</summary>
    public void Gather(double[] column, Span<double> values)
    {
        if (isRange)
        {
            column.AsSpan(Indexes[0], values.Length).CopyTo(values);
            return;
        }

        var indexes = Indexes;
        for (var i = 0; i < values.Length && i < indexes.Length; i++)
        {
            values[i] = column[indexes[i]];
        }
    }
}
