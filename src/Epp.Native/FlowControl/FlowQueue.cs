namespace Epp.Native.FlowControl;

/// <summary>The waiting requests of one flow, best first: a binary heap that removes from anywhere. Not thread-safe.</summary>
internal sealed class FlowQueue
{
    private byte[] _id = [];
    private int _idLength;
    private FlowItem[] _heap = new FlowItem[4];

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

    public int Count { get; private set; }

    public FlowItem Head => _heap[0];

    public ReadOnlySpan<FlowItem> Items => _heap.AsSpan(0, Count);

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
        if (Count == _heap.Length)
        {
            Array.Resize(ref _heap, Count * 2);
        }

        item.Queue = this;
        Place(Count, item);
        Up(Count++);
    }

    public void Remove(FlowItem item)
    {
        var i = item.HeapIndex;
        var last = _heap[--Count];
        _heap[Count] = null!;
        (item.HeapIndex, item.Queue) = (-1, null);
        if (last != item)
        {
            Place(i, last);
            Up(i);
            Down(last.HeapIndex);
        }
    }

    private void Place(int i, FlowItem item)
    {
        _heap[i] = item;
        item.HeapIndex = i;
    }

    private void Up(int i)
    {
        var moved = _heap[i];
        while (i > 0 && moved.IsBefore(_heap[(i - 1) / 2]))
        {
            Place(i, _heap[(i - 1) / 2]);
            i = (i - 1) / 2;
        }

        Place(i, moved);
    }

    private void Down(int i)
    {
        var moved = _heap[i];
        while ((2 * i) + 1 < Count)
        {
            var child = (2 * i) + 1;
            if (child + 1 < Count && _heap[child + 1].IsBefore(_heap[child]))
            {
                child++;
            }

            if (!_heap[child].IsBefore(moved))
            {
                break;
            }

            Place(i, _heap[child]);
            i = child;
        }

        Place(i, moved);
    }
}
