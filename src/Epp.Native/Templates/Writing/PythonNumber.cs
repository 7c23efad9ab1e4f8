using System.Globalization;

namespace Epp.Native.Templates.Writing;

/// <summary>Floats as Python and Rust print them: the shortest digits that read back as the same number.</summary>
internal static class PythonNumber
{
    /// <summary>How an exponent is written.</summary>
    private enum ExponentStyle : byte
    {
        /// <summary>1e+22, 1e-07.</summary>
        Python,

        /// <summary>1e+22, 1e-7.</summary>
        RustJson,

        /// <summary>1e22, 1e-7.</summary>
        RustDebug,
    }

    /// <summary>Python's <c>repr</c>, or the same without an exponent.</summary>
    public static void Write(TextBuffer output, double value, bool withExponent)
    {
        if (double.IsFinite(value))
        {
            WriteFinite(output, value, withExponent ? -4 : int.MinValue, withExponent ? 16 : int.MaxValue, ExponentStyle.Python);
        }
        else
        {
            output.Write(double.IsNaN(value) ? (withExponent ? "nan"u8 : "NaN"u8) : value > 0 ? "inf"u8 : "-inf"u8);
        }
    }

    /// <summary>Rust's <c>{:?}</c>, which minijinja prints inside of lists and maps.</summary>
    public static void WriteDebug(TextBuffer output, double value)
    {
        if (double.IsFinite(value))
        {
            WriteFinite(output, value, smallest: -4, largest: 16, ExponentStyle.RustDebug);
        }
        else
        {
            Write(output, value, withExponent: false);
        }
    }

    /// <summary>In JSON: Python's words for what is no number; Rust's exponents have no leading zero and begin later.</summary>
    public static void WriteJson(TextBuffer output, double value, bool asRust)
    {
        if (double.IsFinite(value))
        {
            WriteFinite(output, value, asRust ? -5 : -4, largest: 16, asRust ? ExponentStyle.RustJson : ExponentStyle.Python);
        }
        else if (asRust)
        {
            output.Write("null"u8);
        }
        else
        {
            output.Write(double.IsNaN(value) ? "NaN"u8 : value > 0 ? "Infinity"u8 : "-Infinity"u8);
        }
    }

    /// <summary>Digits of a number without sign, point and trailing zeros, and where the point belongs among them.</summary>
    public static int Digits(double value, Span<byte> digits, out int point)
    {
        Span<byte> text = stackalloc byte[32];
        Math.Abs(value).TryFormat(text, out var length, "R", CultureInfo.InvariantCulture);
        var count = 0;
        var exponent = 0;
        var whole = -1;
        for (var i = 0; i < length; i++)
        {
            if (text[i] == '.')
            {
                whole = count;
            }
            else if (text[i] == 'E')
            {
                exponent = int.Parse(text[(i + 1)..length], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                break;
            }
            else
            {
                digits[count++] = text[i];
            }
        }

        point = (whole < 0 ? count : whole) + exponent;
        var leading = digits[..count].IndexOfAnyExcept((byte)'0');
        if (leading < 0)
        {
            point = 1;
            return 0;
        }

        digits[leading..count].CopyTo(digits);
        count -= leading;
        point -= leading;
        return digits[..count].LastIndexOfAnyExcept((byte)'0') + 1;
    }

    private static void WriteFinite(TextBuffer output, double value, int smallest, int largest, ExponentStyle style)
    {
        Span<byte> digits = stackalloc byte[32];
        var count = Digits(value, digits, out var point);
        if (double.IsNegative(value))
        {
            output.WriteByte((byte)'-');
        }

        if (count == 0)
        {
            output.Write("0.0"u8);
        }
        else if (point > largest || point <= smallest)
        {
            WriteExponent(output, digits[..count], point - 1, style);
        }
        else if (point <= 0)
        {
            output.Write("0."u8);
            output.Repeat((byte)'0', -point);
            output.Write(digits[..count]);
        }
        else
        {
            output.Write(digits[..Math.Min(count, point)]);
            output.Repeat((byte)'0', point - count);
            output.WriteByte((byte)'.');
            output.Write(count > point ? digits[point..count] : "0"u8);
        }
    }

    private static void WriteExponent(TextBuffer output, ReadOnlySpan<byte> digits, int exponent, ExponentStyle style)
    {
        output.WriteByte(digits[0]);
        if (digits.Length > 1)
        {
            output.WriteByte((byte)'.');
            output.Write(digits[1..]);
        }

        output.Write(exponent < 0 ? "e-"u8 : style == ExponentStyle.RustDebug ? "e"u8 : "e+"u8);
        if (style == ExponentStyle.Python && Math.Abs(exponent) < 10)
        {
            output.WriteByte((byte)'0');
        }

        output.WriteInt(Math.Abs(exponent));
    }
}
