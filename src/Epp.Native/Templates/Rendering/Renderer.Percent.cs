using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary><c>'...' % values</c> and the filter format.</summary>
internal sealed partial class Renderer
{
    private Value FormatFilter(in Value value, Arguments arguments)
    {
        if (arguments.Count > 0 && arguments.NamedCount > 0)
        {
            return TypeError("can't handle positional and keyword arguments at the same time");
        }

        var values = arguments.NamedCount > 0
            ? _dicts.Build(_stack.AsSpan(arguments.NamedStart, arguments.NamedCount * 2))
            : NewList(_stack.AsSpan(arguments.Start, arguments.Count), ValueKind.Tuple);
        return FormatPercent(ToText(value), values);
    }

    private Value FormatPercent(in Value format, in Value values)
    {
        ChargeBytes(format.Length);
        var mark = _out.Length;
        ReadOnlySpan<byte> rest = format.Span;
        var single = values.Kind == ValueKind.Tuple ? default : values;
        ReadOnlySpan<Value> items = values.Kind == ValueKind.Tuple ? values.Items : new ReadOnlySpan<Value>(in single);
        var used = 0;
        while (!HasFailed)
        {
            var percent = rest.IndexOf((byte)'%');
            _out.Write(percent < 0 ? rest : rest[..percent]);
            if (percent < 0)
            {
                break;
            }

            rest = rest[(percent + 1)..];
            FormatConversion(ref rest, values, items, ref used);
        }

        var takesMapping = values.Kind is ValueKind.Dict or ValueKind.List or ValueKind.Range or ValueKind.Undefined;
        return used < items.Length && !takesMapping && !HasFailed
            ? TypeError("not all arguments converted during string formatting")
            : Cut(mark);
    }

    private void FormatConversion(ref ReadOnlySpan<byte> rest, in Value values, scoped ReadOnlySpan<Value> items, ref int used)
    {
        Value keyed = default;
        if (rest.StartsWith("("u8))
        {
            var end = rest.IndexOf((byte)')');
            if (end < 0 || values.Kind != ValueKind.Dict)
            {
                TypeError("format requires a mapping");
                return;
            }

            var at = ValueOrder.IndexOf(values, rest[1..end]);
            if (at < 0)
            {
                TypeError("a key of the format is missing");
                return;
            }

            keyed = values.Items[at + 1];
            rest = rest[(end + 1)..];
        }

        if (!TryPercentSpec(ref rest, items, ref used, out var spec) || rest.IsEmpty)
        {
            TypeError("incomplete format");
            return;
        }

        spec.Type = rest[0];
        rest = rest[1..];
        if (spec.Type == '%')
        {
            _out.WriteByte((byte)'%');
            return;
        }

        if (keyed.IsMissing && !TryNext(items, ref used, out keyed))
        {
            return;
        }

        FormatPercentValue(keyed, spec);
    }

    private bool TryNext(ReadOnlySpan<Value> items, ref int used, out Value value)
    {
        value = default;
        if (used >= items.Length)
        {
            TypeError("not enough arguments for format string");
            return false;
        }

        value = items[used++];
        return true;
    }

    private bool TryPercentSpec(ref ReadOnlySpan<byte> rest, scoped ReadOnlySpan<Value> items, ref int used, out FormatSpec spec)
    {
        spec = new FormatSpec();
        for (; !rest.IsEmpty && "-+ #0"u8.IndexOf(rest[0]) >= 0; rest = rest[1..])
        {
            switch (rest[0])
            {
                case (byte)'-':
                    spec.Align = (byte)'<';
                    break;
                case (byte)'#':
                    spec.IsAlternate = true;
                    break;
                case (byte)'0':
                    spec.HasZero = true;
                    break;
                default:
                    spec.Sign = spec.Sign == '+' ? spec.Sign : rest[0];
                    break;
            }
        }

        if (!TryStarOrNumber(ref rest, items, ref used, FormatSpec.MaxWidth, out spec.Width))
        {
            return false;
        }

        if (spec.Width < 0)
        {
            spec.Width = -spec.Width;
            spec.Align = (byte)'<';
        }

        if (rest.StartsWith("."u8))
        {
            rest = rest[1..];
            if (!TryStarOrNumber(ref rest, items, ref used, FormatSpec.MaxPrecision, out spec.Precision))
            {
                return false;
            }

            spec.Precision = Math.Max(0, spec.Precision);
        }

        // A length modifier has no meaning.
        rest = !rest.IsEmpty && rest[0] is (byte)'l' or (byte)'h' or (byte)'L' ? rest[1..] : rest;
        return true;
    }

    private bool TryStarOrNumber(ref ReadOnlySpan<byte> rest, scoped ReadOnlySpan<Value> items, ref int used, int max, out int value)
    {
        if (!rest.StartsWith("*"u8))
        {
            return FormatSpec.TryNumber(ref rest, max, out value);
        }

        rest = rest[1..];
        value = 0;
        if (!TryNext(items, ref used, out var star) || !star.IsSmall || Math.Abs(star.Bits) > max)
        {
            return false;
        }

        value = (int)star.Bits;
        return true;
    }

    private void FormatPercentValue(in Value value, FormatSpec spec)
    {
        switch ((char)spec.Type)
        {
            case 's' or 'r' or 'a':
                var mark = _out.Length;
                if (spec.Type == 's')
                {
                    Print(value);
                }
                else
                {
                    Repr(value, 0);
                }

                spec.Sign = 0;
                spec.IsAlternate = false;
                spec.Type = 0;
                spec.Align = spec.Align == 0 ? (byte)'>' : spec.Align;
                FormatText(Cut(mark), spec);
                return;
            case 'c' when value.Kind == ValueKind.Text && Utf8Text.Count(value.Span) == 1:
                spec.Precision = -1;
                WritePadded(default, value.Span, spec, spec.Align == 0 ? (byte)'>' : spec.Align);
                return;
            case 'c' when value.IsSmall && value.Bits is >= 0 and <= 0x10FFFF and not (>= 0xD800 and <= 0xDFFF):
                var start = _out.Length;
                CaseMap.Write(_out, new System.Text.Rune((int)value.Bits));
                WritePadded(default, Cut(start).Span, spec, spec.Align == 0 ? (byte)'>' : spec.Align);
                return;
            case 'd' or 'i' or 'u' or 'x' or 'X' or 'o':
                FormatPercentInteger(value, spec);
                return;
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G' when value.IsNumber:
                PadZero(ref spec);
                FormatFloat(ToDouble(value), spec);
                return;
            default:
                TypeError($"%{(char)spec.Type} format: a value of another type is required, not {TypeName(value)}");
                return;
        }
    }

    private static void PadZero(ref FormatSpec spec)
    {
        if (spec.HasZero && spec.Align == 0)
        {
            spec.Fill = new System.Text.Rune('0');
            spec.Align = (byte)'=';
        }
    }

    private void FormatPercentInteger(in Value value, FormatSpec spec)
    {
        var isDecimal = spec.Type is (byte)'d' or (byte)'i' or (byte)'u';
        if (!value.IsNumber || (value.Kind == ValueKind.Float && (!isDecimal || !double.IsFinite(value.Double))))
        {
            TypeError($"%{(char)spec.Type} format: a real number is required, not {TypeName(value)}");
            return;
        }

        var integer = value.Kind == ValueKind.Float ? new System.Numerics.BigInteger(value.Double) : value.Integer;
        spec.Type = isDecimal ? (byte)'d' : spec.Type;
        var mark = _out.Length;
        WriteDigits(System.Numerics.BigInteger.Abs(integer), spec.Type);
        var digits = Cut(mark);
        if (spec.Precision > digits.Length)
        {
            // A precision is the least number of digits.
            _out.Repeat((byte)'0', spec.Precision - digits.Length);
            _out.Write(digits.Span);
            digits = Cut(mark);
        }

        spec.Precision = -1;
        PadZero(ref spec);
        var prefix = !spec.IsAlternate ? default
            : spec.Type switch { (byte)'x' => "0x"u8, (byte)'X' => "0X"u8, (byte)'o' => "0o"u8, _ => default };
        WriteNumber(integer.Sign < 0, prefix, digits, spec);
    }
}
