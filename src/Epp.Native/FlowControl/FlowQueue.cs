namespace Epp.Native.FlowControl;

/// <summary>The waiting requests of one flow, best first. Not thread-safe.</summary>
internal sealed class FlowQueue
{
    private readonly RankedHeap _heap = new();
    private byte[] _id = [];
    private int _idLength;

    public FlowQueue(FlowBand band)
    {
        Band = band;
    }

    public FlowBand Band { get; }

    public ReadOnlySpan<byte> Id => _id.AsSpan(0, _idLength);

    /// <summary>Of <see cref="Id"/>.</summary>
    public int Hash { get; private set; }

    /// <summary>Next queue of the band's hash chain.</summary>
    public FlowQueue? Next { get; set; }

    /// <summary>Position among the band's active queues.</summary>
    public int Slot { get; set; }

    public int Count => _heap.Count;

    public FlowItem Head => (FlowItem)_heap.Head;

    public ReadOnlySpan<Ranked> Items => _heap.Items;

    /// <summary>Makes an empty queue the one of a flow.</summary>
    public void Begin(ReadOnlySpan<byte> id, int hash)
    {
        if (_id.Length < id.Length)
        {
            _id = new byte[id.Length];
        }

        id.CopyTo(_id);
        (_idLength, Hash) = (id.Length, hash);
    }

    public void Add(FlowItem item)
    {
        item.Queue = this;
        _heap.Add(item);
    }

    public void Remove(FlowItem item)
    {
        item.Queue = null;
        _heap.Remove(item);
    }
}
