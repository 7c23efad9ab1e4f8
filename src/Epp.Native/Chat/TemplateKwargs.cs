namespace Epp.Native.Chat;

/// <summary>Variables for a template, gathered from several places: a name set again keeps its first place and takes the new value.</summary>
internal sealed class TemplateKwargs
{
    /// <summary>Most variables of one request.</summary>
    public const int MaxEntries = 256;

    private Entry[] _entries = new Entry[16];

    public int Count { get; private set; }

    public void Clear() => Count = 0;

    /// <summary>Sets a client's variable.</summary>
    public bool Set(JsonTree tree, int key, int value)
    {
        for (var i = 0; i < Count; i++)
        {
            ref var entry = ref _entries[i];
            if (entry.Name is null ? JsonTree.SameText(entry.Keys!, entry.Key, tree, key) : tree.Is(key, entry.Name))
            {
                entry.SetValue(tree, value);
                return true;
            }
        }

        if (!TryAdd(out var index))
        {
            return false;
        }

        _entries[index] = new Entry { Keys = tree, Key = key };
        _entries[index].SetValue(tree, value);
        return true;
    }

    /// <summary>Sets a variable of our own to a value of the client.</summary>
    public bool Set(byte[] name, JsonTree tree, int value)
    {
        if (!TryPlace(name, out var index))
        {
            return false;
        }

        _entries[index].SetValue(tree, value);
        return true;
    }

    /// <summary>Sets a variable of our own to a JSON value.</summary>
    public bool Set(byte[] name, byte[] json)
    {
        if (!TryPlace(name, out var index))
        {
            return false;
        }

        _entries[index].Json = json;
        return true;
    }

    public bool Has(ReadOnlySpan<byte> name) => IndexOf(name) >= 0;

    /// <summary>The client's value under a name; false where there is none, or where the value is our own.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out JsonTree tree, out int node)
    {
        var index = IndexOf(name);
        tree = index < 0 ? null! : _entries[index].Tree!;
        node = index < 0 ? -1 : _entries[index].Node;
        return index >= 0 && _entries[index].Json is null;
    }

    /// <summary>Writes <c>,"name":value</c> for each variable that <paramref name="facts"/> mentions and <paramref name="reserved"/> does not.</summary>
    public void Write(JsonOutput output, TemplateFacts? facts, byte[][] reserved)
    {
        Span<byte> plain = stackalloc byte[MaxNameBytes];
        for (var i = 0; i < Count; i++)
        {
            ref var entry = ref _entries[i];
            var name = entry.PlainName(plain);
            if (name.IsEmpty || IsReserved(name, reserved) || (facts is not null && !facts.Mentions(name)))
            {
                continue;
            }

            output.Byte((byte)',');
            output.Quote(name);
            output.Byte((byte)':');
            if (entry.Json is not null)
            {
                output.Raw(entry.Json);
            }
            else
            {
                output.Value(entry.Tree!, entry.Node);
            }
        }
    }

    // No template has longer names; a longer one cannot be read by it.
    private const int MaxNameBytes = 256;

    private static bool IsReserved(ReadOnlySpan<byte> name, byte[][] reserved)
    {
        foreach (var other in reserved)
        {
            if (name.SequenceEqual(other))
            {
                return true;
            }
        }

        return false;
    }

    private int IndexOf(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < Count; i++)
        {
            ref var entry = ref _entries[i];
            if (entry.Name is null ? entry.Keys!.Is(entry.Key, name) : name.SequenceEqual(entry.Name))
            {
                return i;
            }
        }

        return -1;
    }

    private bool TryPlace(byte[] name, out int index)
    {
        index = IndexOf(name);
        if (index >= 0)
        {
            return true;
        }

        if (!TryAdd(out index))
        {
            return false;
        }

        _entries[index] = new Entry { Name = name };
        return true;
    }

    private bool TryAdd(out int index)
    {
        index = Count;
        if (Count == MaxEntries)
        {
            return false;
        }

        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Count * 2);
        }

        Count++;
        return true;
    }

    private struct Entry
    {
        /// <summary>Our own name; null = the client's key.</summary>
        public byte[]? Name;

        public JsonTree? Keys;
        public int Key;

        /// <summary>Our own value; null = the client's.</summary>
        public byte[]? Json;

        public JsonTree? Tree;
        public int Node;

        public void SetValue(JsonTree tree, int node)
        {
            Json = null;
            Tree = tree;
            Node = node;
        }

        public readonly ReadOnlySpan<byte> PlainName(Span<byte> plain)
        {
            if (Name is not null)
            {
                return Name;
            }

            var raw = Keys!.Raw(Key);
            if (raw.Length > plain.Length)
            {
                return default;
            }

            return plain[..JsonText.Unescape(raw, plain)];
        }
    }
}
