using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>The rarer methods of text.</summary>
internal sealed partial class Renderer
{
    private Value Pad(in Value text, MethodId method, Arguments arguments)
    {
        if (!Bind(arguments, "width,fillchar"u8, 1, out var bound))
        {
            return Value.Failed;
        }

        var fill = bound[1].IsMissing ? Blanks.Slice(0, 1) : bound[1];
        if (!bound[0].IsSmall || fill.Kind != ValueKind.Text || Utf8Text.Count(fill.Span) != 1
            || (method == MethodId.ZFill && !bound[1].IsMissing))
        {
            return TypeError("padding takes an integer and one character");
        }

        var missing = (int)Math.Clamp(bound[0].Bits - Utf8Text.Count(text.Span), 0, int.MaxValue);
        return PadText(text, missing, bound[0].Bits, method, fill.Span);
    }

    private Value PadText(in Value text, int missing, long width, MethodId method, ReadOnlySpan<byte> fill)
    {
        if (missing == 0 || missing > _maxOutput)
        {
            return missing == 0 ? text : Fail(TemplateErrorKind.OutputLimit, "a text padded beyond the limit");
        }

        // str.center gives the odd blank to the left where the width is odd too.
        var left = method switch
        {
            MethodId.Center => missing / 2 + (int)(missing & width & 1),
            MethodId.LJust => 0,
            _ => missing,
        };
        var mark = _out.Length;
        var sign = method == MethodId.ZFill && text.Length > 0 && text.Span[0] is (byte)'-' or (byte)'+' ? 1 : 0;
        sign = method == MethodId.ZFill ? sign : 0;
        _out.Write(text.Span[..sign]);
        Fill(method == MethodId.ZFill ? "0"u8 : fill, left);
        _out.Write(text.Span[sign..]);
        Fill(fill, missing - left);
        return Cut(mark);
    }

    private void Fill(ReadOnlySpan<byte> fill, int count)
    {
        for (var i = 0; i < count && !_out.Overflowed; i++)
        {
            _out.Write(fill);
        }
    }

    private Value Partition(in Value text, bool fromEnd, Arguments arguments)
    {
        if (!Bind(arguments, "sep"u8, 1, out var bound) || bound[0].Kind != ValueKind.Text || bound[0].Length == 0)
        {
            return TypeError("partition needs a separator that is not empty");
        }

        var found = fromEnd ? text.Span.LastIndexOf(bound[0].Span) : text.Span.IndexOf(bound[0].Span);
        if (found < 0)
        {
            return fromEnd
                ? NewList([Value.EmptyText, Value.EmptyText, text], ValueKind.Tuple)
                : NewList([text, Value.EmptyText, Value.EmptyText], ValueKind.Tuple);
        }

        var after = found + bound[0].Length;
        return NewList([text.Slice(0, found), bound[0], text.Slice(after, text.Length - after)], ValueKind.Tuple);
    }

    private Value RemoveAffix(in Value text, bool atEnd, Arguments arguments)
    {
        if (!Bind(arguments, "affix"u8, 1, out var bound) || bound[0].Kind != ValueKind.Text)
        {
            return TypeError("removeprefix and removesuffix take a string");
        }

        var length = bound[0].Length;
        if (length == 0 || !(atEnd ? text.Span.EndsWith(bound[0].Span) : text.Span.StartsWith(bound[0].Span)))
        {
            return text;
        }

        return text.Slice(atEnd ? 0 : length, text.Length - length);
    }

    private Value ExpandTabs(in Value text, Arguments arguments)
    {
        if (!Bind(arguments, "tabsize"u8, 0, out var bound) || !(bound[0].IsMissing || bound[0].IsSmall))
        {
            return TypeError("expandtabs takes an integer");
        }

        var size = bound[0].IsMissing ? 8 : (int)Math.Clamp(bound[0].Bits, 0, 1000);
        var mark = _out.Length;
        var column = 0;
        foreach (var c in text.Span)
        {
            if (c == '\t')
            {
                var blanks = size == 0 ? 0 : size - column % size;
                _out.Repeat((byte)' ', blanks);
                column += blanks;
                continue;
            }

            _out.WriteByte(c);
            column = c is (byte)'\n' or (byte)'\r' ? 0 : column + ((c & 0xC0) != 0x80 ? 1 : 0);
        }

        return Cut(mark);
    }
}
