using System.Text.Unicode;
using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <summary>How reading a JSON text ended.</summary>
internal enum JsonOutcome : byte
{
    Ok,
    Invalid,
    TooDeep,
    TooLarge,
}

/// <summary>
/// One JSON text as a flat array of nodes over a private copy of its bytes. A map is followed by its members, each a key node and then its
/// value; a list by its elements. A key given twice keeps its first place and its last value, as Python and serde do. Numbers and strings
/// stay as they were written. Reused without allocating; reading is thread-safe while nobody parses.
/// </summary>
internal sealed partial class JsonTree
{
    /// <summary>Deepest nesting of maps and lists; serde_json stops at 128.</summary>
    public const int MaxDepth = 128;

    /// <summary>Most keys and values; a prompt of a million token ids fits.</summary>
    public const int MaxNodes = (1 << 20) + 4096;

    /// <summary>Longest text.</summary>
    public const int MaxBytes = 64 << 20;

    // Arrays beyond these sizes are given back when the next text is small, so that one giant body does not stay in memory.
    private const int KeptNodes = 1 << 16;
    private const int KeptBytes = 1 << 20;

    private const byte EscapedFlag = 1;
    private const byte LoneSurrogateFlag = 2;
    private const byte DeadFlag = 4;
    private const byte SpecialFlag = 8;

    private byte[] _source = new byte[1024];
    private int _length;
    private Node[] _nodes = new Node[256];
    private int _count;

    /// <summary>A number that is no JSON (NaN, Infinity) was read.</summary>
    public bool HasSpecialNumbers { get; private set; }

    /// <summary>A string holds half a surrogate pair.</summary>
    public bool HasLoneSurrogates { get; private set; }

    /// <summary>A key of the outermost map was given twice.</summary>
    public bool HasDuplicateRootKeys { get; private set; }

    /// <summary>Kind of the document.</summary>
    public JsonKind RootKind => _count == 0 ? JsonKind.None : _nodes[0].Kind;

    /// <summary>Copies a text and reads it.</summary>
    public JsonOutcome Parse(ReadOnlySpan<byte> json, bool allowSpecialNumbers)
    {
        if (json.Length > MaxBytes)
        {
            return JsonOutcome.TooLarge;
        }

        json.CopyTo(Begin(json.Length));
        return Parse(json.Length, allowSpecialNumbers);
    }

    /// <summary>Room for a text that the caller writes; <see cref="Parse(int, bool)"/> reads it.</summary>
    public Span<byte> Begin(int length)
    {
        if (_source.Length < length || (_source.Length > KeptBytes && length <= KeptBytes))
        {
            _source = new byte[Math.Max(1024, length <= KeptBytes ? Math.Min(length * 2, KeptBytes) : length)];
        }

        return _source.AsSpan(0, length);
    }

    /// <summary>Reads the first <paramref name="length"/> bytes of the room.</summary>
    public JsonOutcome Parse(int length, bool allowSpecialNumbers)
    {
        _length = length;
        if (_nodes.Length > KeptNodes)
        {
            _nodes = new Node[KeptNodes];
        }

        _count = 0;
        HasSpecialNumbers = false;
        HasLoneSurrogates = false;
        HasDuplicateRootKeys = false;
        if (!Utf8.IsValid(_source.AsSpan(0, length)))
        {
            return JsonOutcome.Invalid;
        }

        var outcome = Run(allowSpecialNumbers);
        if (outcome != JsonOutcome.Ok)
        {
            _count = 0;
        }

        return outcome;
    }

    public JsonKind Kind(int node) => node < 0 ? JsonKind.None : _nodes[node].Kind;

    public bool IsText(int node) => node >= 0 && _nodes[node].Kind == JsonKind.Text;

    public bool IsMap(int node) => node >= 0 && _nodes[node].Kind == JsonKind.Map;

    public bool IsList(int node) => node >= 0 && _nodes[node].Kind == JsonKind.List;

    /// <summary>Missing or null.</summary>
    public bool IsNothing(int node) => node < 0 || _nodes[node].Kind == JsonKind.Null;

    public bool IsTrue(int node) => node >= 0 && _nodes[node].Kind == JsonKind.Bool && _nodes[node].Length == 4;

    public bool HasLoneSurrogate(int node) => (_nodes[node].Flags & LoneSurrogateFlag) != 0;

    public bool IsEscaped(int node) => (_nodes[node].Flags & EscapedFlag) != 0;

    /// <summary>The bytes of a value as written; of a string or key without its quotes, escapes kept.</summary>
    public ReadOnlySpan<byte> Raw(int node) => _source.AsSpan(_nodes[node].Start, _nodes[node].Length);

    /// <summary>Members of a map or elements of a list, duplicates included; 0 says empty.</summary>
    public int Count(int container) => _nodes[container].Value;

    /// <summary>First element of a list; −1 where it is empty.</summary>
    public int First(int list) => _nodes[list].Value == 0 ? -1 : list + 1;

    /// <summary>The element behind <paramref name="element"/>; −1 behind the last.</summary>
    public int After(int list, int element)
    {
        var next = _nodes[element].Next;
        return next < _nodes[list].Next ? next : -1;
    }

    /// <summary>First key of a map; −1 where it is empty.</summary>
    public int FirstKey(int map) => _nodes[map].Value == 0 ? -1 : map + 1;

    /// <summary>The key behind <paramref name="key"/>, duplicates left out; −1 behind the last.</summary>
    public int KeyAfter(int map, int key)
    {
        var next = key;
        do
        {
            next = _nodes[next + 1].Next;
            if (next >= _nodes[map].Next)
            {
                return -1;
            }
        }
        while ((_nodes[next].Flags & DeadFlag) != 0);
        return next;
    }

    /// <summary>The value of a key.</summary>
    public int Value(int key) => _nodes[key].Value;

    /// <summary>The value under a key of a map; −1 where it is missing or the node is no map.</summary>
    public int Find(int map, ReadOnlySpan<byte> name)
    {
        if (!IsMap(map))
        {
            return -1;
        }

        for (var key = FirstKey(map); key >= 0; key = KeyAfter(map, key))
        {
            if (Is(key, name))
            {
                return _nodes[key].Value;
            }
        }

        return -1;
    }

    /// <summary>True where a string or key says <paramref name="text"/>.</summary>
    public bool Is(int node, ReadOnlySpan<byte> text)
    {
        if (node < 0 || _nodes[node].Kind != JsonKind.Text)
        {
            return false;
        }

        var raw = Raw(node);
        if ((_nodes[node].Flags & EscapedFlag) == 0)
        {
            return raw.SequenceEqual(text);
        }

        // An escape takes at most six bytes for one.
        if (raw.Length > text.Length * 6 || raw.Length > 1024)
        {
            return false;
        }

        Span<byte> plain = stackalloc byte[raw.Length];
        return plain[..JsonText.Unescape(raw, plain)].SequenceEqual(text);
    }

    private struct Node
    {
        /// <summary>First byte; of a string the one behind its quote.</summary>
        public int Start;

        /// <summary>Bytes; of a string without its quotes.</summary>
        public int Length;

        /// <summary>Index of the node behind it and its inside.</summary>
        public int Next;

        /// <summary>Key: its value's node. Map and list: how many members or elements.</summary>
        public int Value;

        public JsonKind Kind;

        public byte Flags;
    }
}
