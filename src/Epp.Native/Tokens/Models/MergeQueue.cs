namespace Epp.Native.Tokens.Models;

/// <summary>A heap of four children per node over (rank, position), smallest first.</summary>
internal struct MergeQueue
{
    private readonly ModelState _state;
    private ulong[] _items;
    private int _count;

    public MergeQueue(ModelState state, int expected)
    {
        _state = state;
        state.ReserveMerges(expected);
        _items = state.Merges;
    }

    /// <summary>Adds without keeping order; <see cref="Order"/> follows.</summary>
    public void Append(ulong item) => _items[_count++] = item;

    public readonly void Order()
    {
        for (var i = (_count - 2) / 4; i >= 0 && _count > 1; i--)
        {
            Sink(i, _items[i]);
        }
    }

    public void Add(ulong item)
    {
        if (_count == _items.Length)
        {
            var items = _items;
            Array.Resize(ref items, _count * 2);
            _state.Merges = items;
            _items = items;
        }

        var at = _count++;
        while (at > 0 && _items[(at - 1) / 4] is var parent && parent > item)
        {
            _items[at] = parent;
            at = (at - 1) / 4;
        }

        _items[at] = item;
    }

    public bool TryTake(out ulong item)
    {
        item = 0;
        if (_count == 0)
        {
            return false;
        }

        item = _items[0];
        var last = _items[--_count];
        if (_count > 0)
        {
            Sink(0, last);
        }

        return true;
    }

    private readonly void Sink(int at, ulong item)
    {
        var items = _items.AsSpan(0, _count);
        while (true)
        {
            var child = (4 * at) + 1;
            if (child >= items.Length)
            {
                break;
            }

            var (least, end) = (child, Math.Min(child + 4, items.Length));
            for (var other = child + 1; other < end; other++)
            {
                if (items[other] < items[least])
                {
                    least = other;
                }
            }

            if (items[least] >= item)
            {
                break;
            }

            items[at] = items[least];
            at = least;
        }

        items[at] = item;
    }
}
