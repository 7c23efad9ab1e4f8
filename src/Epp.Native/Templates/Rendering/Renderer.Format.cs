using System.Numerics;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>Numbers and text in fields: shared by <c>%</c> and <c>str.format</c>.</summary>
internal sealed partial class Renderer
{
    /// <summary>Writes a value as <c>format(value, spec)</c>.</summary>
    private void FormatValue(in Value value, in FormatSpec spec)
    {
        var type = spec.Type;
        if (value.Kind == ValueKind.Text && type is 0 or (byte)'s')
        {
            FormatText(value, spec);
        }
        else if (value.IsNumber && value.Kind != ValueKind.Float && type is 0 or (byte)'d' or (byte)'n' or (byte)'x' or (byte)'X' or (byte)'o'
            or (byte)'b' or (byte)'c')
        {
            FormatInteger(value.Integer, spec);
        }
        else if (value.IsNumber && type is 0 or (byte)'e' or (byte)'E' or (byte)'f' or (byte)'F' or (byte)'g' or (byte)'G' or (byte)'%'
            or (byte)'n')
        {
            FormatFloat(ToDouble(value), spec);
        }
        else
        {
            TypeError("unknown or unsupported format");
        }
    }

    private void FormatText(in Value text, in FormatSpec spec)
    {
        if (spec.Sign != 0 || spec.Grouping != 0 || spec.IsAlternate || spec.Align == '=')
        {
            TypeError("this format is not for strings");
            return;
        }

        var shown = spec.Precision >= 0 ? SliceText(text, Value.None, Value.Int(spec.Precision)) : text;
        WritePadded(default, shown.Span, spec, spec.Align == 0 ? (byte)'<' : spec.Align);
    }

    private void FormatInteger(BigInteger value, in FormatSpec spec)
    {
        if (spec.Precision >= 0 || (spec.Type == 'c' && (value < 0 || value > 0x10FFFF)))
        {
            TypeError("this format is not for integers");
            return;
        }

        Charge(64);
        var mark = _out.Length;
        if (spec.Type == 'c')
        {
            CaseMap.Write(_out, new System.Text.Rune((int)value));
            WritePadded(default, Cut(mark).Span, spec, spec.Align == 0 ? (byte)'<' : spec.Align);
            return;
        }

        WriteDigits(BigInteger.Abs(value), spec.Type);
        var digits = Cut(mark);
        if (spec.Grouping != 0)
        {
            digits = Group(digits, spec.Type is (byte)'x' or (byte)'X' or (byte)'o' or (byte)'b' ? 4 : 3, spec.Grouping);
        }

        var prefix = !spec.IsAlternate ? default
            : spec.Type switch { (byte)'x' => "0x"u8, (byte)'X' => "0X"u8, (byte)'o' => "0o"u8, (byte)'b' => "0b"u8, _ => default };
        WriteNumber(value.Sign < 0, prefix, digits, spec);
    }

    private void WriteDigits(BigInteger value, byte type)
    {
        var bits = type switch { (byte)'x' or (byte)'X' => 4, (byte)'o' => 3, (byte)'b' => 1, _ => 0 };
        if (bits == 0)
        {
            BigNumber.Write(_out, value);
            return;
        }

        for (var shift = Math.Max(0, ((int)value.GetBitLength() - 1) / bits) * bits; shift >= 0; shift -= bits)
        {
            var digit = (int)((value >> shift) & ((1 << bits) - 1));
            _out.WriteByte(type == 'X' ? "0123456789ABCDEF"u8[digit] : "0123456789abcdef"u8[digit]);
        }
    }

    private Value Group(in Value digits, int size, byte separator)
    {
        var mark = _out.Length;
        var whole = digits.Span.IndexOfAnyExcept("0123456789abcdefABCDEF"u8);
        whole = whole < 0 ? digits.Length : whole;
        for (var i = 0; i < whole; i++)
        {
            if (i > 0 && (whole - i) % size == 0)
            {
                _out.WriteByte(separator);
            }

            _out.WriteByte(digits.Span[i]);
        }

        _out.Write(digits.Span[whole..]);
        return Cut(mark);
    }

    private void WriteNumber(bool isNegative, ReadOnlySpan<byte> prefix, in Value digits, in FormatSpec spec)
    {
        Span<byte> head = stackalloc byte[4];
        var length = 0;
        if (isNegative || spec.Sign is (byte)'+' or (byte)' ')
        {
            head[length++] = isNegative ? (byte)'-' : spec.Sign;
        }

        prefix.CopyTo(head[length..]);
        WritePadded(head[..(length + prefix.Length)], digits.Span, spec, spec.Align == 0 ? (byte)'>' : spec.Align);
    }

    private void WritePadded(ReadOnlySpan<byte> head, ReadOnlySpan<byte> body, in FormatSpec spec, byte align)
    {
        var missing = Math.Max(0, spec.Width - head.Length - Utf8Text.Count(body));
        Span<byte> fill = stackalloc byte[4];
        fill = fill[..spec.Fill.EncodeToUtf8(fill)];
        var before = align switch { (byte)'>' => missing, (byte)'^' => missing / 2, _ => 0 };
        Fill(fill, before);
        _out.Write(head);
        Fill(fill, align == '=' ? missing : 0);
        _out.Write(body);
        Fill(fill, align is (byte)'<' or (byte)'^' ? missing - before : 0);
    }

    private void FormatFloat(double value, in FormatSpec spec)
    {
        Charge(64);
        var mark = _out.Length;
        var magnitude = Math.Abs(value);
        if (!double.IsFinite(value))
        {
            var isUpper = spec.Type is (byte)'E' or (byte)'F' or (byte)'G';
            _out.Write(double.IsNaN(value) ? (isUpper ? "NAN"u8 : "nan"u8) : isUpper ? "INF"u8 : "inf"u8);
            _out.Write(spec.Type == '%' ? "%"u8 : default);
        }
        else
        {
            WriteFloat(magnitude, spec);
        }

        var digits = Cut(mark);
        if (spec.Grouping != 0)
        {
            digits = Group(digits, 3, spec.Grouping);
        }

        WriteNumber(double.IsNegative(value) && !double.IsNaN(value), default, digits, spec);
    }

    private void WriteFloat(double value, in FormatSpec spec)
    {
        var precision = spec.Precision < 0 ? 6 : spec.Precision;
        switch ((char)spec.Type)
        {
            case 'f' or 'F':
                WriteAscii(FixedPoint.Round(value, precision));
                _out.Write(precision == 0 && spec.IsAlternate ? "."u8 : default);
                break;
            case '%':
                WriteAscii(FixedPoint.Round(value * 100, precision));
                _out.WriteByte((byte)'%');
                break;
            case 'e' or 'E':
                WriteAscii(FixedPoint.Scientific(value, precision, out var exponent));
                WriteExponent(exponent, (byte)(spec.Type == 'E' ? 'E' : 'e'));
                break;
            case '\0' when spec.Precision < 0:
                PythonNumber.Write(_out, value, withExponent: true);
                break;
            default:
                WriteGeneral(value, Math.Max(1, precision), spec);
                break;
        }
    }

    private void WriteExponent(int exponent, byte letter)
    {
        _out.WriteByte(letter);
        _out.WriteByte((byte)(exponent < 0 ? '-' : '+'));
        _out.Repeat((byte)'0', Math.Abs(exponent) < 10 ? 1 : 0);
        _out.WriteInt(Math.Abs(exponent));
    }

    private void WriteAscii(string text)
    {
        foreach (var c in text)
        {
            _out.WriteByte((byte)c);
        }
    }

    /// <summary><c>g</c>, and floats without a type but with a precision, which keep one digit behind the point.</summary>
    private void WriteGeneral(double value, int precision, in FormatSpec spec)
    {
        var scientific = FixedPoint.Scientific(value, precision - 1, out var exponent);
        var isPlain = exponent >= -4 && exponent < precision - (spec.Type == 0 ? 1 : 0);
        var text = isPlain ? FixedPoint.Round(value, Math.Max(0, precision - 1 - exponent)) : scientific;
        if (!spec.IsAlternate && text.Contains('.', StringComparison.Ordinal))
        {
            text = text.TrimEnd('0').TrimEnd('.');
        }

        WriteAscii(text);
        if (!isPlain)
        {
            WriteExponent(exponent, (byte)(spec.Type == 'G' ? 'E' : 'e'));
        }
        else if (spec.Type == 0 && !text.Contains('.', StringComparison.Ordinal))
        {
            _out.Write(".0"u8);
        }
    }
}
