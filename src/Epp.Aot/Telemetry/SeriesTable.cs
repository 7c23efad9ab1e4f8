namespace Epp.Aot.Telemetry;

/// <summary>Label values of one series as numbers of their tables.</summary>
internal readonly record struct SeriesKey(ulong High, ulong Low)
{
    public static SeriesKey Of(int a, int b, int c, int d) => new((ulong)(uint)a << 32 | (uint)b, (ulong)(uint)c << 32 | (uint)d);

    /// <summary>Keys are small table numbers, not client bytes: a multiplicative mix spreads them.</summary>
    public uint Hash => (uint)(((High * 0x9E3779B97F4A7C15UL) ^ ((Low + 0x7F4A7C15UL) * 0xBF58476D1CE4E5B9UL)) >> 32);
}

/// <summary>
/// Series of one family by label set, at most <c>limit</c> of them. Lock-free readers over immutable chains, as <see cref="LabelTable"/>.
/// </summary>
internal sealed class SeriesTable<T>
    where T : class
{
    private const int ChainCount = 4096;

    private readonly Node?[] _chains = new Node?[ChainCount];
    private readonly Lock _gate = new();
    private readonly int _limit;
    private int _count;

    /// <param name="limit">Label sets before <see cref="Find"/> misses stay misses.</param>
    public SeriesTable(int limit)
    {
        _limit = limit;
    }

    /// <summary>True when no further label set is accepted.</summary>
    public bool IsFull => Volatile.Read(ref _count) >= _limit;

    /// <summary>The series of a label set; null where there is none yet.</summary>
    public T? Find(SeriesKey key)
    {
        for (var node = Volatile.Read(ref _chains[key.Hash % ChainCount]); node is not null; node = node.Next)
        {
            if (node.Key == key)
            {
                return node.Series;
            }
        }

        return null;
    }

    /// <summary>Adds a series unless the label set has one; returns the one that is in the table.</summary>
    public T Add(SeriesKey key, T series)
    {
        lock (_gate)
        {
            if (Find(key) is { } known)
            {
                return known;
            }

            ref var head = ref _chains[key.Hash % ChainCount];
            Volatile.Write(ref head, new Node(key, series, head));
            Volatile.Write(ref _count, _count + 1);
            return series;
        }
    }

    /// <summary>Every series, in no order; one added meanwhile may be missing.</summary>
    public IEnumerable<T> All()
    {
        for (var i = 0; i < ChainCount; i++)
        {
            for (var node = Volatile.Read(ref _chains[i]); node is not null; node = node.Next)
            {
                yield return node.Series;
            }
        }
    }

    private sealed record Node(SeriesKey Key, T Series, Node? Next);
}
