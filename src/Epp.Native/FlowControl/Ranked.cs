namespace Epp.Native.FlowControl;

/// <summary>What a <see cref="RankedHeap"/> orders: by rank, then tie, then sequence; smaller is first.</summary>
public abstract class Ranked
{
    internal long Rank { get; set; }

    internal long Tie { get; set; }

    /// <summary>Tells entries of the same millisecond apart.</summary>
    internal long Sequence { get; set; }

    /// <summary>Position in its heap; −1 = in none.</summary>
    internal int HeapIndex { get; set; } = -1;

    internal bool IsBefore(Ranked other)
    {
        if (Rank != other.Rank)
        {
            return Rank < other.Rank;
        }

        return Tie != other.Tie ? Tie < other.Tie : Sequence < other.Sequence;
    }
}

/// <summary>A binary heap that removes from anywhere. Not thread-safe.</summary>
internal sealed class RankedHeap
{
    private Ranked[] _heap = new Ranked[4];

    public int Count { get; private set; }

    public Ranked Head => _heap[0];

    public ReadOnlySpan<Ranked> Items => _heap.AsSpan(0, Count);

    public void Add(Ranked item)
    {
        if (Count == _heap.Length)
        {
            Array.Resize(ref _heap, Count * 2);
        }

        Place(Count, item);
        Up(Count++);
    }

    /// <summary>Takes an entry out; false where it is not in.</summary>
    public bool Remove(Ranked item)
    {
        var i = item.HeapIndex;
        if ((uint)i >= (uint)Count || _heap[i] != item)
        {
            return false;
        }

        item.HeapIndex = -1;
        var last = _heap[--Count];
        _heap[Count] = null!;
        if (last != item)
        {
            Place(i, last);
            Up(i);
            Down(last.HeapIndex);
        }

        return true;
    }

    private void Place(int i, Ranked item)
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
