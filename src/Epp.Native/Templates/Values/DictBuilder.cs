namespace Epp.Native.Templates.Values;

/// <summary>
/// Makes dicts from keys and values: of equal keys the last value at the place of the first, or all in key order. Many keys are sorted
/// to find equal ones, so that hostile input costs n log n. Not thread-safe.
/// </summary>
internal sealed class DictBuilder
{
    /// <summary>Up to this many keys are compared with each other.</summary>
    private const int FewKeys = 16;

    private readonly Arena _arena;
    private readonly Comparison<int> _byKey;
    private int[] _order = new int[64];
    private Value[] _scratch = new Value[64];

    public DictBuilder(Arena arena)
    {
        _arena = arena;
        _byKey = Compare;
    }

    /// <summary>Keys in order rather than as they came.</summary>
    public bool Sorts { get; set; }

    /// <summary>A dict of keys and values in turn.</summary>
    public Value Build(ReadOnlySpan<Value> pairs)
    {
        var count = pairs.Length / 2;
        if (count == 0)
        {
            return Value.EmptyDict;
        }

        if (count <= FewKeys && !Sorts && !HasEqual(pairs))
        {
            return _arena.List(ValueKind.Dict, pairs);
        }

        return Sorted(pairs, count);
    }

    private static bool HasEqual(ReadOnlySpan<Value> pairs)
    {
        for (var i = 2; i < pairs.Length; i += 2)
        {
            for (var j = 0; j < i; j += 2)
            {
                if (ValueOrder.KeysEqual(pairs[i], pairs[j]))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private Value Sorted(ReadOnlySpan<Value> pairs, int count)
    {
        if (_order.Length < count)
        {
            _order = new int[count * 2];
        }

        if (_scratch.Length < count * 2)
        {
            _scratch = new Value[count * 4];
        }

        pairs.CopyTo(_scratch);
        for (var i = 0; i < count; i++)
        {
            _order[i] = i;
        }

        var order = _order.AsSpan(0, count);
        order.Sort(_byKey);

        // Runs of equal keys: the value of the last goes to the first, the others disappear.
        var kept = 0;
        for (var i = 0; i < count;)
        {
            var last = i;
            while (last + 1 < count && ValueOrder.KeysEqual(_scratch[order[last + 1] * 2], _scratch[order[i] * 2]))
            {
                last++;
            }

            _scratch[order[i] * 2 + 1] = _scratch[order[last] * 2 + 1];
            order[kept++] = order[i];
            i = last + 1;
        }

        order = order[..kept];
        if (!Sorts)
        {
            order.Sort();
        }

        var block = _arena.TakeValues(kept * 2, out var start);
        if (block is null)
        {
            return Value.EmptyDict;
        }

        for (var i = 0; i < kept; i++)
        {
            block[start + i * 2] = _scratch[order[i] * 2];
            block[start + i * 2 + 1] = _scratch[order[i] * 2 + 1];
        }

        return Value.Range(ValueKind.Dict, block, start, kept);
    }

    private int Compare(int left, int right)
    {
        var order = ValueOrder.CompareKeys(_scratch[left * 2], _scratch[right * 2]);
        return order != 0 ? order : left.CompareTo(right);
    }
}
