using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>Looking for text in text, and joining it.</summary>
internal sealed partial class Renderer
{
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

        // Rust tells the bytes before it.
        return Value.Int(_rules.IsPython ? start + Utf8Text.Count(part.Span[..found]) : found);
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
