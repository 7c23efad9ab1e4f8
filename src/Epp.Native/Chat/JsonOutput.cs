using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <summary>
/// Compact JSON in a reusable buffer. Beyond its limit it drops what comes and says so in <see cref="Overflowed"/>. Not thread-safe.
/// </summary>
internal sealed class JsonOutput
{
    /// <summary>Most bytes.</summary>
    public const int MaxBytes = 96 << 20;

    private const int KeptBytes = 1 << 20;

    private byte[] _bytes = new byte[4096];
    private int[] _keys = new int[32];
    private int _keysUsed;

    public int Length { get; private set; }

    public bool Overflowed { get; private set; }

    /// <summary>A string with half a surrogate pair was written.</summary>
    public bool SawLoneSurrogate { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Reset()
    {
        Length = 0;
        Overflowed = false;
        SawLoneSurrogate = false;
        _keysUsed = 0;
        if (_bytes.Length > KeptBytes)
        {
            _bytes = new byte[KeptBytes];
        }
    }

    /// <summary>Takes back what was written behind <paramref name="length"/>.</summary>
    public void Truncate(int length) => Length = Math.Min(Length, length);

    public void Byte(byte value)
    {
        if (Length < _bytes.Length || TryGrow(1))
        {
            _bytes[Length++] = value;
        }
    }

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length <= _bytes.Length - Length || TryGrow(bytes.Length))
        {
            bytes.CopyTo(_bytes.AsSpan(Length));
            Length += bytes.Length;
        }
    }

    /// <summary>The string at a node, quoted, its escapes kept.</summary>
    public void Text(JsonTree tree, int node)
    {
        Byte((byte)'"');
        TextInside(tree, node);
        Byte((byte)'"');
    }

    /// <summary>The string at a node, its escapes kept, to stand between quotes.</summary>
    public void TextInside(JsonTree tree, int node)
    {
        SawLoneSurrogate |= tree.HasLoneSurrogate(node);
        Raw(tree.Raw(node));
    }

    /// <summary>Plain text as a string.</summary>
    public void Quote(ReadOnlySpan<byte> plain)
    {
        Byte((byte)'"');
        JsonText.Escape(plain, this);
        Byte((byte)'"');
    }

    /// <summary>Any value: compact, key order and number text kept, of equal keys one; keys in order of bytes where asked for.</summary>
    public void Value(JsonTree tree, int node, bool sortKeys = false)
    {
        switch (tree.Kind(node))
        {
            case JsonKind.Map when sortKeys:
                SortedMap(tree, node);
                break;
            case JsonKind.Map:
                Map(tree, node);
                break;
            case JsonKind.List:
                List(tree, node, sortKeys);
                break;
            case JsonKind.Text:
                Text(tree, node);
                break;
            default:
                Raw(tree.Raw(node));
                break;
        }
    }

    private void Map(JsonTree tree, int map)
    {
        Byte((byte)'{');
        for (var key = tree.FirstKey(map); key >= 0; key = tree.KeyAfter(map, key))
        {
            Member(tree, key, isFirst: key == map + 1, sortKeys: false);
        }

        Byte((byte)'}');
    }

    private void SortedMap(JsonTree tree, int map)
    {
        var from = _keysUsed;
        var to = tree.SortKeys(map, from, ref _keys);
        _keysUsed = to;
        Byte((byte)'{');
        for (var i = from; i < to; i++)
        {
            Member(tree, _keys[i], isFirst: i == from, sortKeys: true);
        }

        Byte((byte)'}');
        _keysUsed = from;
    }

    private void Member(JsonTree tree, int key, bool isFirst, bool sortKeys)
    {
        if (!isFirst)
        {
            Byte((byte)',');
        }

        Text(tree, key);
        Byte((byte)':');
        Value(tree, tree.Value(key), sortKeys);
    }

    private void List(JsonTree tree, int list, bool sortKeys)
    {
        Byte((byte)'[');
        for (var element = tree.First(list); element >= 0; element = tree.After(list, element))
        {
            if (element != list + 1)
            {
                Byte((byte)',');
            }

            Value(tree, element, sortKeys);
        }

        Byte((byte)']');
    }

    private bool TryGrow(int more)
    {
        if (Overflowed || Length + (long)more > MaxBytes)
        {
            Overflowed = true;
            return false;
        }

        Array.Resize(ref _bytes, (int)Math.Min(MaxBytes, Math.Max(_bytes.Length * 2L, Length + (long)more)));
        return true;
    }
}
