using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>Filters for HTML and URLs.</summary>
internal sealed partial class Renderer
{
    private Value Escape(in Value text, bool always)
    {
        if (text.Flag == Value.Markup && !always)
        {
            return text;
        }

        var mark = _out.Length;
        HtmlText.Escape(_out, text.Span, _rules.IsPython);
        return Cut(mark, Value.Markup);
    }

    private Value UrlEncode(in Value value)
    {
        var mark = _out.Length;
        if (value.Kind == ValueKind.Text || !IsIterable(value))
        {
            QuoteUrl(ToText(value).Span, forQuery: false);
            return Cut(mark);
        }

        var pairs = value.Kind == ValueKind.Dict ? PairsOf(value) : TryIterate(value, out var list) ? list : Value.EmptyList;
        for (var i = 0; i < pairs.Length && Charge(1); i++)
        {
            if (!TryIterate(pairs.Items[i], out var pair) || pair.Length != 2)
            {
                return TypeError("urlencode needs pairs");
            }

            var (name, content) = (ToText(pair.Items[0]), ToText(pair.Items[1]));
            _out.Write(i > 0 ? "&"u8 : default);
            QuoteUrl(name.Span, forQuery: true);
            _out.WriteByte((byte)'=');
            QuoteUrl(content.Span, forQuery: true);
        }

        return Cut(mark);
    }

    private void QuoteUrl(ReadOnlySpan<byte> text, bool forQuery)
    {
        foreach (var c in text)
        {
            if (char.IsAsciiLetterOrDigit((char)c) || c is (byte)'_' or (byte)'.' or (byte)'-' or (byte)'~' || (c == '/' && !forQuery))
            {
                _out.WriteByte(c);
            }
            else if (c == ' ' && forQuery)
            {
                _out.WriteByte((byte)'+');
            }
            else
            {
                _out.WriteByte((byte)'%');
                _out.WriteByte("0123456789ABCDEF"u8[c >> 4]);
                _out.WriteByte("0123456789ABCDEF"u8[c & 15]);
            }
        }
    }

    private static Value CountWords(in Value text)
    {
        var count = 0;
        var inWord = false;
        ReadOnlySpan<byte> rest = text.Span;
        while (!rest.IsEmpty)
        {
            var rune = Utf8Text.First(rest, out var length);
            var isWord = rune.Value == '_' || CaseMap.IsAlpha(rune.Value) || CaseMap.IsNumeric(rune.Value);
            count += isWord && !inWord ? 1 : 0;
            inWord = isWord;
            rest = rest[length..];
        }

        return Value.Int(count);
    }

    /// <summary>Removes comments, then tags, then the blanks too many; entities other than escape's own are refused.</summary>
    private Value StripTags(in Value text)
    {
        var mark = _out.Length;
        var value = Without(Without(text, "<!--"u8, "-->"u8), "<"u8, ">"u8);
        var words = SplitBlanks(value, int.MaxValue, fromEnd: false);
        for (var i = 0; i < words.Length; i++)
        {
            _out.Write(i > 0 ? " "u8 : default);
            Unescape(words.Items[i].Span);
        }

        return Cut(mark);
    }

    private Value Without(in Value text, ReadOnlySpan<byte> open, ReadOnlySpan<byte> close)
    {
        var mark = _out.Length;
        ReadOnlySpan<byte> rest = text.Span;
        while (Charge(1))
        {
            var start = rest.IndexOf(open);
            var end = start < 0 ? -1 : rest[start..].IndexOf(close);
            if (end < 0)
            {
                break;
            }

            _out.Write(rest[..start]);
            rest = rest[(start + end + close.Length)..];
        }

        _out.Write(rest);
        return Cut(mark);
    }

    private void Unescape(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            var at = text.IndexOf((byte)'&');
            _out.Write(at < 0 ? text : text[..at]);
            if (at < 0)
            {
                return;
            }

            text = text[at..];
            var (length, c) = text switch
            {
                _ when text.StartsWith("&amp;"u8) => (5, '&'),
                _ when text.StartsWith("&lt;"u8) => (4, '<'),
                _ when text.StartsWith("&gt;"u8) => (4, '>'),
                _ when text.StartsWith("&#34;"u8) => (5, '"'),
                _ when text.StartsWith("&#39;"u8) => (5, '\''),
                _ when text.StartsWith("&quot;"u8) => (6, '"'),
                _ => (1, '&'),
            };
            if (length == 1 && text.Length > 1 && (text[1] == '#' || char.IsAsciiLetter((char)text[1])))
            {
                TypeError("striptags of this entity is not supported");
                return;
            }

            _out.WriteByte((byte)c);
            text = text[length..];
        }
    }

    private Value XmlAttributes(in Value value, Arguments arguments)
    {
        if (!Bind(arguments, "autospace"u8, 0, out var bound) || value.Kind != ValueKind.Dict)
        {
            return TypeError("xmlattr needs a dict");
        }

        var mark = _out.Length;
        var leads = bound[0].IsMissing || IsTrue(bound[0]);
        for (var i = 0; i < value.Length && Charge(1); i++)
        {
            var (name, content) = (value.Items[i * 2], value.Items[i * 2 + 1]);
            if (content.Kind is ValueKind.None or ValueKind.Undefined)
            {
                continue;
            }

            if (name.Kind != ValueKind.Text || name.Span.IndexOfAny(" \t\n\r\v\f/>="u8) >= 0)
            {
                return TypeError("Invalid character in attribute name");
            }

            var text = ToText(content);
            _out.Write(leads || _out.Length > mark ? " "u8 : default);
            HtmlText.Escape(_out, name.Span, asPython: true);
            _out.Write("=\""u8);
            PrintPart(text, text.Flag == 0 ? Value.Markup : (byte)0);
            _out.WriteByte((byte)'"');
        }

        return Cut(mark);
    }

    private Value FileSize(in Value value, Arguments arguments)
    {
        if (!Bind(arguments, "binary"u8, 0, out var bound))
        {
            return Value.Failed;
        }

        double bytes;
        if (value.IsNumber)
        {
            bytes = ToDouble(value);
        }
        else if (value.Kind != ValueKind.Text || !TryDouble(value.Span, out bytes))
        {
            return TypeError("filesizeformat needs a number");
        }

        var isBinary = IsTrue(bound[0]);
        var unit = isBinary ? 1024.0 : 1000.0;
        var mark = _out.Length;
        if (bytes < unit)
        {
            _out.WriteInt((long)bytes);
            _out.Write(bytes == 1 ? " Byte"u8 : " Bytes"u8);
            return Cut(mark);
        }

        var letters = "kMGTPEZY"u8;
        var step = 0;
        var size = unit * unit;
        for (; step < letters.Length - 1 && bytes >= size; step++)
        {
            size *= unit;
        }

        WriteAscii(FixedPoint.Round(unit * bytes / size, 1));
        _out.WriteByte((byte)' ');
        _out.WriteByte(isBinary && step == 0 ? (byte)'K' : letters[step]);
        _out.Write(isBinary ? "iB"u8 : "B"u8);
        return Cut(mark);
    }

    /// <summary>Escapes a text; one that may hold a link is refused, chat templates have none.</summary>
    private Value Urlize(in Value text)
    {
        var mayLink = text.Span.IndexOf("://"u8) >= 0 || text.Span.IndexOf((byte)'@') >= 0 || text.Span.IndexOf((byte)'.') >= 0
            || text.Span.IndexOf((byte)':') >= 0;
        return mayLink ? TypeError("urlize of text with links is not supported") : Escape(text, always: false);
    }

    /// <summary>Python's pformat where it fits one line of 80 characters: keys sorted.</summary>
    private Value PrettyPrint(in Value value)
    {
        var mark = _out.Length;
        Repr(_rules.IsPython ? WithSortedKeys(value, 0) : value, 0);
        var text = Cut(mark);
        return _rules.IsPython && Utf8Text.Count(text.Span) > 80 ? TypeError("pprint of long values is not supported") : text;
    }

    private Value WithSortedKeys(in Value value, int depth)
    {
        if (value.Kind is not (ValueKind.List or ValueKind.Tuple or ValueKind.Dict) || depth > MaxPrintDepth || !Charge(1))
        {
            return value;
        }

        var sorted = value.Kind == ValueKind.Dict ? SortedByKey(value) : value;
        var mark = _top;
        foreach (ref readonly var item in sorted.Items)
        {
            Push(WithSortedKeys(item, depth + 1));
        }

        return PopList(mark, value.Kind);
    }
}
