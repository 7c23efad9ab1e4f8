namespace Epp.Native.Chat;

/// <content>Equal keys, and keys in order.</content>
internal sealed partial class JsonTree
{
    private const int FewKeys = 16;

    private Comparison<int>? _byKey;
    private int[] _keys = new int[64];
    private byte[] _left = [];
    private byte[] _right = [];

    /// <summary>
    /// The live keys of a map in the order of their bytes (a Rust <c>BTreeMap</c>'s). Written behind <paramref name="from"/> in a list
    /// shared by nested calls; the caller reads [from, result).
    /// </summary>
    public int SortKeys(int map, int from, ref int[] keys)
    {
        var to = from;
        for (var key = FirstKey(map); key >= 0; key = KeyAfter(map, key))
        {
            if (to == keys.Length)
            {
                Array.Resize(ref keys, to * 2);
            }

            keys[to++] = key;
        }

        keys.AsSpan(from, to - from).Sort(_byKey ??= CompareKeys);
        return to;
    }

    /// <summary>True where two strings say the same.</summary>
    public static bool SameText(JsonTree left, int leftNode, JsonTree right, int rightNode)
    {
        if (!left.IsEscaped(leftNode) && !right.IsEscaped(rightNode))
        {
            return left.Raw(leftNode).SequenceEqual(right.Raw(rightNode));
        }

        return Plain(left, leftNode, ref left._left).SequenceEqual(Plain(right, rightNode, ref left._right));
    }

    private static ReadOnlySpan<byte> Plain(JsonTree tree, int node, ref byte[] buffer)
    {
        var raw = tree.Raw(node);
        if (!tree.IsEscaped(node))
        {
            return raw;
        }

        if (buffer.Length < raw.Length)
        {
            buffer = new byte[raw.Length * 2];
        }

        return buffer.AsSpan(0, JsonText.Unescape(raw, buffer));
    }

    /// <summary>Of equal keys the first keeps its place and takes the last one's value.</summary>
    private void DropDuplicates(int map)
    {
        var count = 0;
        for (var key = map + 1; key < _nodes[map].Next; key = _nodes[key + 1].Next)
        {
            if (count == _keys.Length)
            {
                Array.Resize(ref _keys, count * 2);
            }

            _keys[count++] = key;
        }

        if (count <= FewKeys)
        {
            DropAmongFew(map, _keys.AsSpan(0, count));
            return;
        }

        // Sorting bounds the work for a hostile map of equal keys.
        _keys.AsSpan(0, count).Sort(_byKey ??= CompareKeys);
        var first = 0;
        for (var i = 1; i < count; i++)
        {
            if (SameText(this, _keys[first], this, _keys[i]))
            {
                Drop(map, _keys[first], _keys[i]);
            }
            else
            {
                first = i;
            }
        }
    }

    private void DropAmongFew(int map, ReadOnlySpan<int> keys)
    {
        for (var i = 1; i < keys.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if ((_nodes[keys[j]].Flags & DeadFlag) == 0 && SameText(this, keys[j], this, keys[i]))
                {
                    Drop(map, keys[j], keys[i]);
                    break;
                }
            }
        }
    }

    private void Drop(int map, int first, int later)
    {
        _nodes[first].Value = later + 1;
        _nodes[later].Flags |= DeadFlag;
        HasDuplicateRootKeys |= map == 0;
    }

    private int CompareKeys(int left, int right)
    {
        var order = Plain(this, left, ref _left).SequenceCompareTo(Plain(this, right, ref _right));
        return order != 0 ? order : left.CompareTo(right);
    }
}
