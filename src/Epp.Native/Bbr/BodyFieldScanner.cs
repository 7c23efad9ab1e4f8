using System.Buffers;
using System.Text;
using Epp.Native.Memory;
using Epp.Native.Requests;

namespace Epp.Native.Bbr;

/// <summary>
/// Reads named fields at the top of a JSON body as it arrives, split anywhere, as text that a header can carry (contract §9.3). It accepts,
/// refuses and prints what Go does: v1.2 takes strings only, v1.5 prints any value. Keys match exactly and the last of equal ones counts.
/// Not thread-safe; reused through <see cref="Reset"/>.
/// </summary>
public sealed class BodyFieldScanner : IJsonSink
{
    /// <summary>Most fields of one scanner.</summary>
    public const int MaxFields = 64;

    /// <summary>Longest name of a field in UTF-8.</summary>
    public const int MaxNameBytes = JsonPushReader.MaxKeyBytes;

    /// <summary>Longest value: the most bytes of a header that ext_proc allows (contract §1.2, validation of <c>HeaderValue</c>).</summary>
    public const int MaxValueBytes = 16_384;

    private const byte Root = 1;
    private const byte First = 2;

    /// <summary>What is left of a value that is too long.</summary>
    private const int TooLong = -1;

    private readonly byte[][] _names;
    private readonly Field[] _fields;
    private readonly bool _textOnly;
    private readonly JsonPushReader _json;
    private JsonKind _mismatch;
    private int _mismatchAt;

    /// <param name="dialect">Whose rules apply.</param>
    /// <param name="names">Distinct names in UTF-8, at most <see cref="MaxFields"/>, none longer than <see cref="MaxNameBytes"/>.</param>
    public BodyFieldScanner(BbrDialect dialect, IReadOnlyList<byte[]> names)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(names.Count, MaxFields);
        _names = [.. names];
        _fields = new Field[_names.Length];
        _textOnly = dialect == BbrDialect.Gaie12;
        _json = new JsonPushReader(this, MaxValueBytes);
        Reset();
    }

    // A header value: tab, blanks, visible ASCII, and any byte above it (RFC 9110 §5.5).
    private static readonly SearchValues<byte> NoHeaderBytes = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127]);

    /// <summary>Why <see cref="Complete"/> returned false, in Go's words where Go has some; null without an error.</summary>
    public string? Error { get; private set; }

    /// <summary>Forgets the body; the next byte begins another.</summary>
    public void Reset()
    {
        _json.Reset(Root);
        _mismatch = JsonKind.None;
        Error = null;
        for (var i = 0; i < _fields.Length; i++)
        {
            // Kept text stays small; a field's long value goes with its body.
            _fields[i] = new Field { Text = _fields[i].Text is { Length: <= 512 } small ? small : [] };
        }
    }

    /// <summary>Reads the next bytes of the body.</summary>
    public void Feed(ReadOnlySpan<byte> chunk) => _json.Feed(chunk);

    /// <summary>Ends the body, which is whole in <paramref name="body"/>; false where it is to be refused, see <see cref="Error"/>.</summary>
    public bool Complete(BodyBuffer body)
    {
        Error = Check();
        for (var i = 0; i < _fields.Length && Error is null; i++)
        {
            Error = Print(ref _fields[i], _names[i], body);
        }

        return Error is null;
    }

    /// <summary>True where the body has the field, whatever its value; in v1.2 <c>null</c> is no value.</summary>
    public bool Has(int field) => _fields[field].Kind != JsonKind.None;

    /// <summary>The value of a field as text; empty where the body has none. Valid until <see cref="Reset"/>.</summary>
    public ReadOnlySpan<byte> Text(int field) => _fields[field].Text.AsSpan(0, Math.Max(_fields[field].TextLength, 0));

    byte IJsonSink.Child(byte parent, ReadOnlySpan<byte> key)
    {
        for (var i = 0; i < _names.Length; i++)
        {
            if (key.SequenceEqual(_names[i]))
            {
                return (byte)(First + i);
            }
        }

        return JsonPushReader.Skip;
    }

    byte IJsonSink.Element(byte parent) => JsonPushReader.Skip;

    bool IJsonSink.Begin(byte node, JsonKind kind, int start)
    {
        if (node < First)
        {
            return false;
        }

        if (_textOnly && kind != JsonKind.Text)
        {
            // Go's decoder leaves a string alone that meets null, and remembers the first other type.
            if (kind != JsonKind.Null && _mismatch == JsonKind.None)
            {
                (_mismatch, _mismatchAt) = (kind, node - First);
            }

            return false;
        }

        ref var field = ref _fields[node - First];
        (field.Kind, field.Start, field.Length, field.TextLength) = (kind, start, 0, 0);
        return kind == JsonKind.Text;
    }

    void IJsonSink.End(byte node, JsonKind kind, int end, ReadOnlySpan<byte> text)
    {
        if (node < First || (_textOnly && kind != JsonKind.Text))
        {
            return;
        }

        ref var field = ref _fields[node - First];
        field.Length = end - field.Start;
        if (kind != JsonKind.Text)
        {
            return;
        }

        if (text.IsEmpty && field.Length > 2)
        {
            // The reader hands out nothing of a text beyond its limit.
            field.TextLength = TooLong;
            return;
        }

        if (field.Text.Length < text.Length)
        {
            field.Text = new byte[text.Length];
        }

        text.CopyTo(field.Text);
        field.TextLength = text.Length;
    }

    private string? Check()
    {
        if (!_json.Complete())
        {
            return _json.SyntaxError;
        }

        if (_json.TopKind is not (JsonKind.Map or JsonKind.Null))
        {
            return GoJson.CannotUnmarshal(GoJson.KindName(_json.TopKind), _textOnly ? "handlers.RequestBody" : "map[string]interface {}");
        }

        if (!_textOnly)
        {
            return _json.NumberError;
        }

        return _mismatch == JsonKind.None
            ? null
            : GoJson.CannotUnmarshalField(_mismatch, "RequestBody." + Encoding.UTF8.GetString(_names[_mismatchAt]), "string");
    }

    private static string? Print(ref Field field, byte[] name, BodyBuffer body)
    {
        if (field.Kind is not (JsonKind.None or JsonKind.Text))
        {
            var text = new GoValueText(body, MaxValueBytes);
            field.TextLength = text.TryWrite(new JsonField(field.Kind, field.Start, field.Length)) ? text.Length : TooLong;
            field.Text = text.Bytes;
        }

        if (field.TextLength == TooLong)
        {
            return $"the value of '{Encoding.UTF8.GetString(name)}' is longer than {MaxValueBytes} bytes, the most that a header carries";
        }

        return field.Text.AsSpan(0, field.TextLength).ContainsAny(NoHeaderBytes)
            ? $"the value of '{Encoding.UTF8.GetString(name)}' has control characters, which no header carries"
            : null;
    }

    private struct Field
    {
        public JsonKind Kind;
        public int Start;
        public int Length;
        public byte[] Text;
        public int TextLength;
    }
}
