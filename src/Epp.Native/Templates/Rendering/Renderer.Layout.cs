using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>Filters that lay text out: indent, center, truncate, wordwrap, title.</summary>
internal sealed partial class Renderer
{
    private Value LayoutFilter(FilterId filter, in Value value, Arguments arguments)
    {
        switch (filter)
        {
            case FilterId.Indent:
                return Bind(arguments, "width,first,blank"u8, 0, out var indent)
                    ? Indent(value, indent[0], IsTrue(indent[1]), IsTrue(indent[2]))
                    : Value.Failed;
            case FilterId.Center:
                if (!Bind(arguments, "width"u8, 0, out var center) || !(center[0].IsMissing || center[0].IsSmall))
                {
                    return TypeError("center takes an integer");
                }

                var text = ToText(value);
                var width = center[0].IsMissing ? 80 : center[0].Bits;
                var missing = (int)Math.Clamp(width - Utf8Text.Count(text.Span), 0, int.MaxValue);
                return PadText(text, missing, width, MethodId.Center, " "u8);
            case FilterId.Truncate:
                return Bind(arguments, "length,killwords,end,leeway"u8, 0, out var truncate)
                    ? Truncate(value, truncate)
                    : Value.Failed;
            case FilterId.WordWrap:
                return Bind(arguments, "width,break_long_words,wrapstring,break_on_hyphens"u8, 0, out var wrap)
                    ? WordWrap(value, wrap)
                    : Value.Failed;
            default:
                return SplitFilter(value, arguments);
        }
    }

    private Value Indent(in Value value, in Value width, bool first, bool blank)
    {
        var indention = width.IsMissing ? Blanks.Slice(0, 4) : width.Kind == ValueKind.Text ? width : IndentOf(width);
        if (value.Kind != ValueKind.Text || HasFailed)
        {
            return value.IsUndefined ? FailUndefined(value) : TypeError("indent needs a string");
        }

        // One line end more makes the last line one that ends, so that a text with a trailing newline keeps it.
        var lines = SplitLines(Join(value, Newline), keepsEnds: false);
        var mark = _out.Length;
        _out.Write(first ? indention.Span : default);
        for (var i = 0; i < lines.Length && !_out.Overflowed; i++)
        {
            if (i > 0)
            {
                _out.WriteByte((byte)'\n');
                _out.Write(blank || lines.Items[i].Length > 0 ? indention.Span : default);
            }

            _out.Write(lines.Items[i].Span);
        }

        return Cut(mark);
    }

    private static readonly Value Newline = Value.Text("\n"u8.ToArray());
    private static readonly Value Dots = Value.Text("..."u8.ToArray());

    private Value Truncate(in Value value, in BoundArguments bound)
    {
        var length = bound[0].IsMissing ? 255 : bound[0].Bits;
        var end = bound[2].IsMissing ? Dots : bound[2];
        var leeway = bound[3].IsMissing || bound[3].Kind == ValueKind.None ? 5 : bound[3].Bits;
        if (value.Kind != ValueKind.Text && LengthOf(value) is { Kind: ValueKind.Int } size && size.Bits <= length + leeway)
        {
            // Python only asks for the length of what is short enough.
            return value;
        }

        if (value.Kind != ValueKind.Text || end.Kind != ValueKind.Text || length < Utf8Text.Count(end.Span) || leeway < 0)
        {
            return TypeError("truncate needs a string and a length not below that of its end");
        }

        if (Utf8Text.Count(value.Span) <= length + leeway)
        {
            return value;
        }

        var kept = SliceText(value, Value.None, Value.Int(length - Utf8Text.Count(end.Span)));
        var blank = IsTrue(bound[1]) ? -1 : kept.Span.LastIndexOf((byte)' ');
        return Join(blank < 0 ? kept : kept.Slice(0, blank), end);
    }

    private Value WordWrap(in Value value, in BoundArguments bound)
    {
        var width = bound[0].IsMissing ? 79 : (int)Math.Clamp(bound[0].Bits, 0, int.MaxValue);
        var breaksWords = bound[1].IsMissing || IsTrue(bound[1]);
        var between = bound[2].IsMissing || bound[2].Kind == ValueKind.None ? Newline : bound[2];
        var breaksHyphens = bound[3].IsMissing || IsTrue(bound[3]);
        if (value.Kind != ValueKind.Text || between.Kind != ValueKind.Text || width < 1)
        {
            return TypeError("wordwrap needs a string and a width above 0");
        }

        if (breaksHyphens && value.Span.IndexOf((byte)'-') >= 0)
        {
            return TypeError("wordwrap of words with hyphens is not supported");
        }

        var lines = SplitLines(value, keepsEnds: false);
        var mark = _out.Length;
        for (var i = 0; i < lines.Length && !_out.Overflowed; i++)
        {
            _out.Write(i > 0 ? between.Span : default);
            WrapLine(lines.Items[i], width, breaksWords, between);
        }

        return Cut(mark);
    }

    /// <summary>Python's textwrap: runs of blanks and words; blanks at the ends of a line go, except at the first line's start.</summary>
    private void WrapLine(Value rest, int width, bool breaksWords, in Value between)
    {
        var isFirst = true;
        while (rest.Length > 0 && Charge(1))
        {
            if (!isFirst || Utf8Text.TrimStart(rest.Span).IsEmpty)
            {
                rest = StripText(rest, default, atStart: true, atEnd: false);
            }

            var (taken, used) = (0, 0);
            while (taken < rest.Length && Charge(1))
            {
                var chunk = ChunkLength(rest.Span[taken..]);
                var columns = Utf8Text.Count(rest.Span.Slice(taken, chunk));
                if (used + columns > width)
                {
                    if (columns > width && (breaksWords || used == 0))
                    {
                        taken += breaksWords ? Utf8Text.Offset(rest.Span[taken..], width - used) : chunk;
                    }

                    break;
                }

                taken += chunk;
                used += columns;
            }

            var line = Utf8Text.TrimEnd(rest.Span[..taken]);
            if (!line.IsEmpty)
            {
                _out.Write(isFirst ? default : between.Span);
                _out.Write(line);
                isFirst = false;
            }

            rest = rest.Slice(taken, rest.Length - taken);
        }
    }

    private static int ChunkLength(ReadOnlySpan<byte> text)
    {
        var isBlank = Utf8Text.SpaceLength(text) > 0;
        var at = 0;
        while (at < text.Length && Utf8Text.SpaceLength(text[at..]) > 0 == isBlank)
        {
            at += Utf8Text.RuneLength(text[at]);
        }

        return at;
    }

    /// <summary>minijinja's filter split.</summary>
    private Value SplitFilter(in Value value, Arguments arguments)
    {
        if (value.Kind != ValueKind.Text)
        {
            return TypeError("split needs a string");
        }

        var parts = CallSplit(value, fromEnd: false, arguments);
        if (!_rules.LazySplit || parts.Kind != ValueKind.List)
        {
            return parts;
        }

        Charge(ObjectSteps);
        return new Value(ValueKind.Iterator, new IteratorState { Items = parts }, 0);
    }

    /// <summary>The filter title: letters after a blank, a bracket or a hyphen begin a word; in minijinja after anything else.</summary>
    private Value TitleFilter(in Value text)
    {
        if (!_rules.IsPython)
        {
            return CaseOrClass(text, MethodId.Title);
        }

        var mark = _out.Length;
        ReadOnlySpan<byte> rest = text.Span;
        while (!rest.IsEmpty)
        {
            var separator = SeparatorLength(rest);
            _out.Write(rest[..separator]);
            rest = rest[separator..];
            var length = 0;
            while (length < rest.Length && SeparatorLength(rest[length..]) == 0)
            {
                length += Utf8Text.RuneLength(rest[length]);
            }

            if (length > 0)
            {
                var first = Utf8Text.RuneLength(rest[0]);
                CaseMap.Upper(_out, rest[..first]);
                CaseMap.Lower(_out, rest[first..length]);
                rest = rest[length..];
            }
        }

        return Cut(mark);
    }

    private static int SeparatorLength(ReadOnlySpan<byte> text)
    {
        var at = 0;
        while (at < text.Length)
        {
            var blank = Utf8Text.SpaceLength(text[at..]);
            if (blank == 0 && text[at] is not ((byte)'-' or (byte)'(' or (byte)'{' or (byte)'[' or (byte)'<'))
            {
                break;
            }

            at += Math.Max(1, blank);
        }

        return at;
    }
}
