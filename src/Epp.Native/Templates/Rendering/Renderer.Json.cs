using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary><c>tojson</c>.</summary>
internal sealed partial class Renderer
{
    private JsonLayout _layout;

    /// <summary>How <c>tojson</c> writes.</summary>
    private struct JsonLayout
    {
        public bool IsAscii;
        public bool Sorts;

        /// <summary>Each element on its own line, behind <see cref="Indent"/> for every level.</summary>
        public bool HasLines;
        public Value Indent;
        public Value ItemSeparator;
        public Value KeySeparator;
    }

    private static readonly Value Comma = Value.Text(","u8.ToArray());
    private static readonly Value Colon = Value.Text(":"u8.ToArray());
    private static readonly Value ColonBlank = Value.Text(": "u8.ToArray());
    private static readonly Value Blanks = Value.Text("                                "u8.ToArray());

    private Value ToJson(in Value value, Arguments arguments)
    {
        // minijinja's own filter takes indent by name only and ignores the other three.
        if (!Bind(arguments, "ensure_ascii,indent,separators,sort_keys"u8, 0, out var bound)
            || (!_rules.IsPython && arguments.Count > 0))
        {
            return TypeError("tojson does not take these arguments");
        }

        _layout = default;
        _layout.HasLines = !bound[1].IsMissing && bound[1].Kind != ValueKind.None;
        _layout.ItemSeparator = _layout.HasLines || _rules.CompactJson ? Comma : CommaBlank;
        _layout.KeySeparator = _rules.CompactJson && !_layout.HasLines ? Colon : ColonBlank;
        if (_layout.HasLines)
        {
            _layout.Indent = IndentOf(bound[1]);
        }

        if (_rules.IsPython)
        {
            _layout.IsAscii = IsTrue(bound[0]);
            _layout.Sorts = IsTrue(bound[3]);
            if (!bound[2].IsMissing && bound[2].Kind != ValueKind.None)
            {
                if (!TryIterate(bound[2], out var pair) || pair.Length != 2 || !pair.Items[0].IsText || !pair.Items[1].IsText)
                {
                    return TypeError("separators must be two strings");
                }

                (_layout.ItemSeparator, _layout.KeySeparator) = (pair.Items[0], pair.Items[1]);
            }
        }

        var mark = _out.Length;
        WriteJson(value, 0);
        return Cut(mark);
    }

    private Value IndentOf(in Value indent)
    {
        if (indent.Kind == ValueKind.Text)
        {
            return indent;
        }

        if (!indent.IsSmall)
        {
            return TypeError("indent must be an integer or a string");
        }

        var count = (int)Math.Clamp(indent.Bits, 0, 1000);
        if (count <= Blanks.Length)
        {
            return Blanks.Slice(0, count);
        }

        var mark = _out.Length;
        _out.Repeat((byte)' ', count);
        return Cut(mark);
    }

    private void WriteJson(in Value value, int depth)
    {
        if (!Charge(1) || depth > MaxPrintDepth)
        {
            Fail(TemplateErrorKind.DepthLimit, "a value nested too deep for tojson");
            return;
        }

        switch (value.Kind)
        {
            case ValueKind.Text:
                WriteJsonText(value.Span);
                break;
            case ValueKind.None:
                _out.Write("null"u8);
                break;
            case ValueKind.Undefined when !_rules.IsPython:
                _out.Write("null"u8);
                break;
            case ValueKind.Bool:
                _out.Write(value.Bits != 0 ? "true"u8 : "false"u8);
                break;
            case ValueKind.Int or ValueKind.Big:
                Repr(value, 0);
                break;
            case ValueKind.Float:
                PythonNumber.WriteJson(_out, value.Double, _rules.RustJsonFloats);
                break;
            case ValueKind.List or ValueKind.Tuple:
                WriteJsonList(value, depth);
                break;
            case ValueKind.Dict:
                WriteJsonDict(value, depth);
                break;
            case ValueKind.Namespace when !_rules.IsPython:
                var space = (MutableState)value.Ref!;
                WriteJsonDict(NewList(space.Values.AsSpan(0, space.Count), ValueKind.Dict), depth);
                break;
            default:
                TypeError($"Object of type {TypeName(value)} is not JSON serializable");
                break;
        }
    }

    private void WriteJsonList(in Value list, int depth)
    {
        var items = list.Items;
        _out.WriteByte((byte)'[');
        for (var i = 0; i < items.Length && !_out.Overflowed && !HasFailed; i++)
        {
            Separate(i > 0, depth + 1);
            WriteJson(items[i], depth + 1);
        }

        EndLines(items.Length > 0, depth);
        _out.WriteByte((byte)']');
    }

    private void WriteJsonDict(in Value dict, int depth)
    {
        var sorted = _layout.Sorts ? SortedByKey(dict) : dict;
        var items = sorted.Items;
        _out.WriteByte((byte)'{');
        for (var i = 0; i < items.Length && !_out.Overflowed && !HasFailed; i += 2)
        {
            Separate(i > 0, depth + 1);
            WriteJsonKey(items[i]);
            _out.Write(_layout.KeySeparator.Span);
            WriteJson(items[i + 1], depth + 1);
        }

        EndLines(items.Length > 0, depth);
        _out.WriteByte((byte)'}');
    }

    private void WriteJsonKey(in Value key)
    {
        if (key.Kind == ValueKind.Text)
        {
            WriteJsonText(key.Span);
        }
        else if (key.IsNumber || key.Kind == ValueKind.None)
        {
            _out.WriteByte((byte)'"');
            WriteJson(key, 0);
            _out.WriteByte((byte)'"');
        }
        else
        {
            TypeError($"keys must be str, int, float, bool or None, not {TypeName(key)}");
        }
    }

    private void Separate(bool isNext, int depth)
    {
        if (isNext)
        {
            _out.Write(_layout.ItemSeparator.Span);
        }

        if (_layout.HasLines)
        {
            NewLine(depth);
        }
    }

    private void EndLines(bool hasItems, int depth)
    {
        if (hasItems && _layout.HasLines)
        {
            NewLine(depth);
        }
    }

    private void NewLine(int depth)
    {
        _out.WriteByte((byte)'\n');
        for (var i = 0; i < depth; i++)
        {
            _out.Write(_layout.Indent.Span);
        }
    }

    private Value SortedByKey(in Value dict)
    {
        var mark = _top;
        for (var i = 0; i < dict.Length; i++)
        {
            Push(NewList(dict.Items.Slice(i * 2, 2)));
        }

        var pairs = PopList(mark);
        var sorted = SortBy(pairs, KeysOf(dict, 0), reverse: false);
        foreach (ref readonly var pair in sorted.Items)
        {
            PushAll(pair.Items);
        }

        return PopList(mark, ValueKind.Dict);
    }

    private void WriteJsonText(ReadOnlySpan<byte> text)
    {
        ChargeBytes(text.Length);
        _out.WriteByte((byte)'"');
        while (!text.IsEmpty)
        {
            var plain = _layout.IsAscii || _rules.CompactJson
                ? PlainLength(text)
                : text.IndexOfAny(JsonStops);
            if (plain < 0)
            {
                break;
            }

            _out.Write(text[..plain]);
            text = text[plain..];
            if (!text.IsEmpty)
            {
                var rune = Utf8Text.First(text, out var length);
                WriteJsonEscape(rune.Value);
                text = text[length..];
            }
        }

        _out.Write(text);
        _out.WriteByte((byte)'"');
    }

    private static readonly System.Buffers.SearchValues<byte> JsonStops = System.Buffers.SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, (byte)'"', (byte)'\\']);

    private int PlainLength(ReadOnlySpan<byte> text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c is < 0x20 or (byte)'"' or (byte)'\\' || (_layout.IsAscii && c >= 0x7F)
                || (_rules.CompactJson && c is (byte)'<' or (byte)'>' or (byte)'&' or (byte)'\''))
            {
                return i;
            }
        }

        return text.Length;
    }

    private void WriteJsonEscape(int value)
    {
        var simple = value switch { '\n' => 'n', '\r' => 'r', '\t' => 't', '\b' => 'b', '\f' => 'f', '"' or '\\' => (char)value, _ => '\0' };
        if (simple != '\0')
        {
            _out.WriteByte((byte)'\\');
            _out.WriteByte((byte)simple);
            return;
        }

        if (value > 0xFFFF)
        {
            _out.Write("\\u"u8);
            WriteHex(0xD800 + ((value - 0x10000) >> 10), 4);
            value = 0xDC00 + ((value - 0x10000) & 0x3FF);
        }

        _out.Write("\\u"u8);
        WriteHex(value, 4);
    }
}
