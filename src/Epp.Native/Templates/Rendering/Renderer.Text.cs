using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>Searching, splitting and padding text.</summary>
internal sealed partial class Renderer
{
    private Value Strip(in Value text, MethodId method, Arguments arguments)
    {
        if (!Bind(arguments, "chars"u8, 0, out var bound))
        {
            return Value.Failed;
        }

        return StripText(text, bound[0], method != MethodId.RStrip, method != MethodId.LStrip);
    }

    private Value StripText(in Value text, in Value chars, bool atStart, bool atEnd)
    {
        ReadOnlySpan<byte> rest = text.Span;
        if (chars.Kind is ValueKind.Missing or ValueKind.None)
        {
            var left = atStart ? Utf8Text.TrimStart(rest, _rules.IsPython) : rest;
            var kept = atEnd ? Utf8Text.TrimEnd(left, _rules.IsPython) : left;
            return text.Slice(rest.Length - left.Length, kept.Length);
        }

        if (chars.Kind != ValueKind.Text)
        {
            return TypeError("strip arg must be None or str");
        }

        var start = Utf8Text.Trim(rest, chars.Span, atStart, atEnd: false);
        return text.Slice(rest.Length - start.Length, Utf8Text.Trim(start, chars.Span, atStart: false, atEnd).Length);
    }

    private Value CallSplit(in Value text, bool fromEnd, Arguments arguments)
    {
        if (!Bind(arguments, "sep,maxsplit"u8, 0, out var bound))
        {
            return Value.Failed;
        }

        var isBlank = bound[0].Kind is ValueKind.Missing or ValueKind.None;
        var count = bound[1].IsMissing || (bound[1].Kind == ValueKind.None && !_rules.IsPython) ? Value.Int(-1) : bound[1];
        if ((!isBlank && (bound[0].Kind != ValueKind.Text || bound[0].Length == 0)) || !count.IsSmall)
        {
            return TypeError("split needs a separator that is not empty, and an integer");
        }

        var limit = count.Bits < 0 ? int.MaxValue : count.Bits;
        return isBlank ? SplitBlanks(text, limit, fromEnd) : SplitText(text, bound[0].Span, limit, fromEnd);
    }

    private Value SplitText(in Value text, ReadOnlySpan<byte> separator, long limit, bool fromEnd)
    {
        var mark = _top;
        var (start, end) = (0, text.Length);
        while (_top - mark < limit && Charge(1))
        {
            var part = text.Span[start..end];
            var found = fromEnd ? part.LastIndexOf(separator) : part.IndexOf(separator);
            if (found < 0)
            {
                break;
            }

            if (fromEnd)
            {
                Push(text.Slice(start + found + separator.Length, end - start - found - separator.Length));
                end = start + found;
            }
            else
            {
                Push(text.Slice(start, found));
                start += found + separator.Length;
            }
        }

        Push(text.Slice(start, end - start));
        return PopParts(mark, fromEnd);
    }

    private Value PopParts(int mark, bool reversed)
    {
        if (reversed)
        {
            _stack.AsSpan(mark, _top - mark).Reverse();
        }

        return PopList(mark);
    }

    private Value SplitBlanks(in Value text, long limit, bool fromEnd)
    {
        var mark = _top;
        ReadOnlySpan<byte> all = text.Span;
        var rest = fromEnd ? Utf8Text.TrimEnd(all) : Utf8Text.TrimStart(all);
        while (!rest.IsEmpty && Charge(1))
        {
            var isLast = _top - mark >= limit;
            var length = isLast ? (fromEnd ? Utf8Text.TrimStart(rest) : Utf8Text.TrimEnd(rest)).Length : WordLength(rest, fromEnd);
            if (fromEnd)
            {
                Push(text.Slice(rest.Length - length, length));
                rest = isLast ? default : Utf8Text.TrimEnd(rest[..^length]);
            }
            else
            {
                // A limit keeps the blanks behind the last part.
                length = isLast ? rest.Length : length;
                Push(text.Slice(all.Length - rest.Length, length));
                rest = isLast ? default : Utf8Text.TrimStart(rest[length..]);
            }
        }

        return PopParts(mark, fromEnd);
    }

    private static int WordLength(ReadOnlySpan<byte> text, bool fromEnd)
    {
        if (fromEnd)
        {
            var left = text;
            while (!left.IsEmpty && Utf8Text.SpaceLength(left[Utf8Text.LastStart(left)..]) == 0)
            {
                left = left[..Utf8Text.LastStart(left)];
            }

            return text.Length - left.Length;
        }

        var at = 0;
        while (at < text.Length && Utf8Text.SpaceLength(text[at..]) == 0)
        {
            at += Utf8Text.RuneLength(text[at]);
        }

        return at;
    }

    private Value SplitLines(in Value text, bool keepsEnds)
    {
        if (!_rules.IsPython)
        {
            return RustLines(text, keepsEnds);
        }

        var mark = _top;
        var start = 0;
        for (var at = 0; at < text.Length;)
        {
            var end = Utf8Text.LineEndLength(text.Span[at..]);
            if (end == 0)
            {
                at += Utf8Text.RuneLength(text.Span[at]);
                continue;
            }

            Charge(1);
            Push(text.Slice(start, at - start + (keepsEnds ? end : 0)));
            at += end;
            start = at;
        }

        if (start < text.Length)
        {
            Push(text.Slice(start, text.Length - start));
        }

        return PopList(mark);
    }
}
