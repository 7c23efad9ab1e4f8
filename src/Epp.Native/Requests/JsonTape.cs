using Epp.Native.Memory;

namespace Epp.Native.Requests;

/// <summary>
/// Writes one JSON value as Go re-marshals it: compact, keys sorted and unique, strings and numbers in Go's form. One pass notes where
/// every value lies, so that sorting a map never reads its values again. A value with more than <see cref="MaxNodes"/> values inside is
/// written as it was sent: the hashes never leave the process, so they only have to be the same for the same bytes. Not thread-safe.
/// </summary>
internal sealed class JsonTape
{
    /// <summary>Most keys and values of one document; bounds the memory kept by a thread at about 2 MiB.</summary>
    public const int MaxNodes = 65536;

    private const int MaxKeyBytes = 256;

    private readonly Comparison<int> _byKey;
    private Node[] _nodes = new Node[256];
    private int _count;
    private byte[] _keys = new byte[1024];
    private int _keysLength;
    private int[] _members = new int[64];
    private int _membersCount;

    public JsonTape()
    {
        _byKey = CompareKeys;
    }

    /// <summary>Writes the value at <paramref name="field"/>.</summary>
    public void Write(BodyBuffer body, JsonField field, ref BlockChain chain)
    {
        _count = 0;
        _keysLength = 0;
        _membersCount = 0;
        var reader = new BodyReader(body, field);
        if (TryNote(ref reader))
        {
            Write(0, ref reader, ref chain);
        }
        else
        {
            WriteRaw(body, field, ref chain);
        }
    }

    /// <summary>Writes the bytes of a value as they are.</summary>
    public static void WriteRaw(BodyBuffer body, JsonField field, ref BlockChain chain)
    {
        for (var at = field.Start; at < field.Start + field.Length && !chain.IsFull;)
        {
            var part = body.Slice(at, field.Start + field.Length - at);
            if (part.IsEmpty)
            {
                return;
            }

            chain.Write(part);
            at += part.Length;
        }
    }

    /// <summary>Notes the next value and everything inside; false beyond <see cref="MaxNodes"/> or with a key that is too long.</summary>
    private bool TryNote(ref BodyReader reader)
    {
        if (_count == MaxNodes)
        {
            return false;
        }

        var index = _count;
        var first = reader.SkipBlanks();
        ref var node = ref Add();
        node.Start = reader.Position;
        switch (first)
        {
            case '{':
                node.Kind = JsonKind.Map;
                reader.Read();
                if (!TryNoteMembers(ref reader))
                {
                    return false;
                }

                break;
            case '[':
                node.Kind = JsonKind.List;
                reader.Read();
                while (reader.NextElement())
                {
                    if (!TryNote(ref reader))
                    {
                        return false;
                    }
                }

                break;
            default:
                node.Kind = first == '"' ? JsonKind.Text : JsonKind.Number;
                reader.SkipValue();
                break;
        }

        _nodes[index].Length = reader.Position - _nodes[index].Start;
        _nodes[index].Next = _count;
        return true;
    }

    private bool TryNoteMembers(ref BodyReader reader)
    {
        while (reader.SkipBlanks() == '"')
        {
            if (_keys.Length - _keysLength < MaxKeyBytes)
            {
                Array.Resize(ref _keys, _keys.Length * 2);
            }

            var quote = reader.Position;
            reader.Read();
            var length = reader.ReadText(_keys, _keysLength, MaxKeyBytes);
            if (_count == MaxNodes || length > MaxKeyBytes)
            {
                return false;
            }

            ref var node = ref Add();
            node.Kind = JsonKind.None;
            node.Start = quote;
            node.Length = length;
            node.Next = _keysLength;
            _keysLength += length;
            if (!TryNote(ref reader))
            {
                return false;
            }
        }

        reader.Read();
        return true;
    }

    private ref Node Add()
    {
        if (_count == _nodes.Length)
        {
            Array.Resize(ref _nodes, _count * 2);
        }

        return ref _nodes[_count++];
    }

    private void Write(int index, ref BodyReader reader, ref BlockChain chain)
    {
        var node = _nodes[index];
        if (chain.IsFull)
        {
            return;
        }

        switch (node.Kind)
        {
            case JsonKind.Map:
                WriteMap(index, ref reader, ref chain);
                break;
            case JsonKind.List:
                chain.Write("["u8);
                for (var i = index + 1; i < node.Next && !chain.IsFull; i = _nodes[i].Next)
                {
                    if (i > index + 1)
                    {
                        chain.Write(","u8);
                    }

                    Write(i, ref reader, ref chain);
                }

                chain.Write("]"u8);
                break;
            case JsonKind.Text:
                reader.Seek(node.Start + 1);
                GoText.Quote(ref reader, ref chain);
                break;
            default:
                WriteScalar(node, ref reader, ref chain);
                break;
        }
    }

    private static void WriteScalar(Node node, ref BodyReader reader, ref BlockChain chain)
    {
        Span<byte> text = stackalloc byte[JsonPushReader.MaxNumberBytes];
        reader.Seek(node.Start);
        if (node.Length > text.Length)
        {
            for (var i = 0; i < node.Length; i++)
            {
                chain.Write([(byte)reader.Read()]);
            }

            return;
        }

        for (var i = 0; i < node.Length; i++)
        {
            text[i] = (byte)reader.Read();
        }

        // true, false and null are no numbers and come out as they are.
        GoText.Number(text[..node.Length], ref chain);
    }

    private void WriteMap(int index, ref BodyReader reader, ref BlockChain chain)
    {
        var from = _membersCount;
        for (var key = index + 1; key < _nodes[index].Next; key = _nodes[key + 1].Next)
        {
            if (_membersCount == _members.Length)
            {
                Array.Resize(ref _members, _membersCount * 2);
            }

            _members[_membersCount++] = key;
        }

        var to = _membersCount;
        _members.AsSpan(from, to - from).Sort(_byKey);
        chain.Write("{"u8);
        var isFirst = true;
        for (var i = from; i < to && !chain.IsFull; i++)
        {
            // Of equal keys the last one in the document counts, and it is the last in the sorted run.
            if (i + 1 < to && Key(_members[i]).SequenceEqual(Key(_members[i + 1])))
            {
                continue;
            }

            if (!isFirst)
            {
                chain.Write(","u8);
            }

            isFirst = false;
            reader.Seek(_nodes[_members[i]].Start + 1);
            GoText.Quote(ref reader, ref chain);
            chain.Write(":"u8);
            Write(_members[i] + 1, ref reader, ref chain);
        }

        chain.Write("}"u8);
        _membersCount = from;
    }

    private ReadOnlySpan<byte> Key(int node) => _keys.AsSpan(_nodes[node].Next, _nodes[node].Length);

    private int CompareKeys(int left, int right)
    {
        var order = Key(left).SequenceCompareTo(Key(right));
        return order != 0 ? order : left.CompareTo(right);
    }

    /// <summary>A value, or a key (<see cref="JsonKind.None"/>) followed by its value.</summary>
    private struct Node
    {
        /// <summary>First byte in the body, quote included.</summary>
        public int Start;

        /// <summary>Value: bytes in the body. Key: bytes unescaped.</summary>
        public int Length;

        /// <summary>Value: index of the node behind it and its inside. Key: where its unescaped bytes begin.</summary>
        public int Next;

        public JsonKind Kind;
    }
}
