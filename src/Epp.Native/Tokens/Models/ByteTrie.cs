namespace Epp.Native.Tokens.Models;

/// <summary>
/// A trie over bytes. Nodes stand in breadth-first order, the children of a node side by side and sorted, so that a node needs a label, a
/// value and where its children start. Immutable; safe to share.
/// </summary>
internal sealed class ByteTrie
{
    private const int FewChildren = 8;

    private readonly byte[] _labels;
    private readonly int[] _children;
    private readonly int[] _values;
    private readonly int[] _byFirst = new int[256];

    private ByteTrie(byte[] labels, int[] children, int[] values)
    {
        (_labels, _children, _values) = (labels, children, values);
        for (var child = children[0]; child < children[1]; child++)
        {
            _byFirst[labels[child]] = child;
        }
    }

    /// <summary>The child of the root for a byte; 0 where there is none.</summary>
    public int First(byte b) => _byFirst[b];

    /// <summary>The child of a node for a byte; 0 where there is none.</summary>
    public int Next(int node, byte b)
    {
        var (low, high) = (_children[node], _children[node + 1]);
        while (high - low > FewChildren)
        {
            var middle = (low + high) >> 1;
            if (_labels[middle] <= b)
            {
                low = middle;
            }
            else
            {
                high = middle;
            }
        }

        for (; low < high; low++)
        {
            if (_labels[low] == b)
            {
                return low;
            }
        }

        return 0;
    }

    /// <summary>The value of a node; -1 where no key ends.</summary>
    public int Value(int node) => _values[node];

    /// <summary>The longest key that a text begins with: its length and value; 0 and -1 where there is none.</summary>
    public int Longest(ReadOnlySpan<byte> text, out int value)
    {
        var length = 0;
        value = -1;
        if (text.IsEmpty)
        {
            return 0;
        }

        var node = First(text[0]);
        for (var i = 1; node != 0; i++)
        {
            if (_values[node] >= 0)
            {
                (length, value) = (i, _values[node]);
            }

            if (i == text.Length)
            {
                break;
            }

            node = Next(node, text[i]);
        }

        return length;
    }

    /// <summary>Builds from a table's tokens; the value of a token is its id.</summary>
    public static ByteTrie Of(TokenTable table)
    {
        var order = new int[table.Count];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        Array.Sort(order, (a, b) => table.TokenAt(a).SequenceCompareTo(table.TokenAt(b)));
        var labels = new List<byte> { 0 };
        var children = new List<int>();
        var values = new List<int>();

        // Per node the stretch of the order that shares its prefix, and the prefix's length.
        var ranges = new List<int> { 0, order.Length, 0 };
        for (var node = 0; node < labels.Count; node++)
        {
            var (from, to, depth) = (ranges[3 * node], ranges[(3 * node) + 1], ranges[(3 * node) + 2]);
            values.Add(-1);
            if (depth > 0 && from < to && table.TokenAt(order[from]).Length == depth)
            {
                values[node] = (int)table.IdAt(order[from++]);
            }
            else if (depth == 0)
            {
                // The empty token matches nothing.
                while (from < to && table.TokenAt(order[from]).IsEmpty)
                {
                    from++;
                }
            }

            children.Add(labels.Count);
            while (from < to)
            {
                var label = table.TokenAt(order[from])[depth];
                var end = from;
                while (end < to && table.TokenAt(order[end])[depth] == label)
                {
                    end++;
                }

                labels.Add(label);
                ranges.AddRange([from, end, depth + 1]);
                from = end;
            }
        }

        children.Add(labels.Count);
        return new ByteTrie([.. labels], [.. children], [.. values]);
    }
}
