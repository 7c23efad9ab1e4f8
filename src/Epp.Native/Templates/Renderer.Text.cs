namespace Epp.Native.Templates;

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
            var left = atStart ? Utf8Text.TrimStart(rest) : rest;
            var kept = atEnd ? Utf8Text.TrimEnd(left) : left;
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

    private Value StartsOrEndsWith(in Value text, bool atEnd, Arguments arguments)
    {
        if (!Bind(arguments, "prefix,start,end"u8, 1, out var bound) || !TryPart(text, bound[1], bound[2], out var part, out _))
        {
            return Value.Failed;
        }

        var isTuple = bound[0].Kind == ValueKind.Tuple || (bound[0].Kind == ValueKind.List && !_rules.IsPython);
        if (!isTuple && bound[0].Kind != ValueKind.Text)
        {
            return TypeError($"{(atEnd ? "endswith" : "startswith")} first arg must be str or a tuple of str, not {TypeName(bound[0])}");
        }

        ReadOnlySpan<Value> candidates = isTuple ? bound[0].Items : new ReadOnlySpan<Value>(in bound[0]);
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Kind != ValueKind.Text)
            {
                return TypeError("tuple for startswith must only contain str");
            }

            if (!part.IsMissing && (atEnd ? part.Span.EndsWith(candidate.Span) : part.Span.StartsWith(candidate.Span)))
            {
                return Value.True;
            }
        }

        return Value.False;
    }

    /// <summary>The part of a text between two indices, and where it begins in characters; Missing where they exclude all.</summary>
    private bool TryPart(in Value text, in Value from, in Value to, out Value part, out int start)
    {
        part = text;
        start = 0;
        if (from.IsMissing && to.IsMissing)
        {
            return true;
        }

        if (!TryRange(from, to, Utf8Text.Count(text.Span), out start, out var stop))
        {
            return false;
        }

        part = start > stop ? default : SliceText(text, Value.Int(start), Value.Int(stop));
        return true;
    }

    private Value Search(in Value text, MethodId method, Arguments arguments)
    {
        if (!Bind(arguments, "sub,start,end"u8, 1, out var bound) || !TryPart(text, bound[1], bound[2], out var part, out var start))
        {
            return Value.Failed;
        }

        if (bound[0].Kind != ValueKind.Text)
        {
            return TypeError($"must be str, not {TypeName(bound[0])}");
        }

        var sought = bound[0].Span;
        if (method == MethodId.Count)
        {
            return Value.Int(part.IsMissing ? 0
                : sought.IsEmpty ? Utf8Text.Count(part.Span) + 1
                : part.Span.Count(sought));
        }

        var found = part.IsMissing ? -1
            : method is MethodId.RFind or MethodId.RIndex ? (sought.IsEmpty ? part.Length : part.Span.LastIndexOf(sought))
            : part.Span.IndexOf(sought);
        if (found < 0)
        {
            return method is MethodId.Index or MethodId.RIndex ? TypeError("substring not found") : Value.Int(-1);
        }

        return Value.Int(start + Utf8Text.Count(part.Span[..found]));
    }

    private Value Replace(in Value text, in Value old, in Value with, in Value count)
    {
        var limit = count.IsMissing ? -1 : count.Bits;
        if (old.Kind != ValueKind.Text || with.Kind != ValueKind.Text || (!count.IsMissing && !count.IsSmall))
        {
            return TypeError("replace takes two strings and an integer");
        }

        limit = limit < 0 ? long.MaxValue : limit;
        var mark = _out.Length;
        ReadOnlySpan<byte> rest = text.Span;
        if (old.Length == 0)
        {
            for (; limit > 0 && ChargeBytes(with.Length) && !_out.Overflowed; limit--)
            {
                _out.Write(with.Span);
                if (rest.IsEmpty)
                {
                    break;
                }

                var length = Utf8Text.RuneLength(rest[0]);
                _out.Write(rest[..length]);
                rest = rest[length..];
            }
        }
        else
        {
            for (; limit > 0 && ChargeBytes(with.Length) && !_out.Overflowed; limit--)
            {
                var found = rest.IndexOf(old.Span);
                if (found < 0)
                {
                    break;
                }

                _out.Write(rest[..found]);
                _out.Write(with.Span);
                rest = rest[(found + old.Length)..];
            }
        }

        if (rest.Length == text.Length && _out.Length == mark)
        {
            return text;
        }

        _out.Write(rest);
        return Cut(mark);
    }

    /// <summary>Texts between each other; <paramref name="strict"/>: nothing but text, as <c>str.join</c> wants it.</summary>
    private Value JoinText(in Value separator, in Value iterable, bool strict)
    {
        if (!TryIterate(iterable, out var items))
        {
            return Value.Failed;
        }

        var mark = _out.Length;
        for (var i = 0; i < items.Length && ChargeBytes(separator.Length) && !_out.Overflowed; i++)
        {
            if (strict && items.Items[i].Kind != ValueKind.Text)
            {
                return TypeError($"sequence item {i}: expected str instance, {TypeName(items.Items[i])} found");
            }

            _out.Write(i > 0 ? separator.Span : default);
            PrintValue(items.Items[i]);
        }

        return Cut(mark);
    }
}
