using System.Buffers.Text;
using System.Globalization;

namespace Epp.Aot.Telemetry;

/// <summary>
/// Floats as Go's <c>strconv.FormatFloat(v, 'g', -1, 64)</c> writes them, which is what every Prometheus client of the reference emits:
/// shortest digits that read back, exponent form of at least two digits below 1e-04 and from 1e+06 on.
/// </summary>
internal static class GoNumber
{
    /// <summary>Enough for any value: sign, 17 digits, point, leading zeros, exponent.</summary>
    public const int MaxBytes = 32;

    private const int ScientificFrom = 6;

    /// <summary>Formats into the span; returns the bytes written.</summary>
    public static int Format(double value, Span<byte> to)
    {
        if (!double.IsFinite(value))
        {
            var word = double.IsNaN(value) ? "NaN"u8 : value > 0 ? "+Inf"u8 : "-Inf"u8;
            word.CopyTo(to);
            return word.Length;
        }

        if (value == 0)
        {
            to[0] = (byte)'0';
            return 1;
        }

        Span<byte> digits = stackalloc byte[24];
        var count = Digits(Math.Abs(value), digits, out var exponent);
        var n = 0;
        if (value < 0)
        {
            to[n++] = (byte)'-';
        }

        return exponent < -4 || exponent >= ScientificFrom
            ? n + Scientific(digits[..count], exponent, to[n..])
            : n + Plain(digits[..count], exponent, to[n..]);
    }

    /// <summary>Shortest decimal digits and the exponent of the first one.</summary>
    private static int Digits(double value, Span<byte> digits, out int exponent)
    {
        Span<byte> text = stackalloc byte[40];
        _ = value.TryFormat(text, out var length, "R", CultureInfo.InvariantCulture);
        text = text[..length];
        var e = text.IndexOf((byte)'E');
        exponent = 0;
        if (e >= 0)
        {
            var from = text[e + 1] == (byte)'+' ? e + 2 : e + 1;
            _ = Utf8Parser.TryParse(text[from..], out exponent, out _);
            text = text[..e];
        }

        var point = text.IndexOf((byte)'.');
        var whole = point < 0 ? text.Length : point;
        var count = 0;
        var leading = 0;
        foreach (var b in text)
        {
            if (b == (byte)'.')
            {
                continue;
            }

            if (count == 0 && b == (byte)'0')
            {
                leading++;
                continue;
            }

            digits[count++] = b;
        }

        exponent += whole - leading - 1;
        while (count > 1 && digits[count - 1] == (byte)'0')
        {
            count--;
        }

        return count;
    }

    private static int Scientific(ReadOnlySpan<byte> digits, int exponent, Span<byte> to)
    {
        var n = 0;
        to[n++] = digits[0];
        if (digits.Length > 1)
        {
            to[n++] = (byte)'.';
            digits[1..].CopyTo(to[n..]);
            n += digits.Length - 1;
        }

        to[n++] = (byte)'e';
        to[n++] = exponent < 0 ? (byte)'-' : (byte)'+';
        var magnitude = Math.Abs(exponent);
        if (magnitude < 10)
        {
            to[n++] = (byte)'0';
        }

        _ = Utf8Formatter.TryFormat(magnitude, to[n..], out var used);
        return n + used;
    }

    private static int Plain(ReadOnlySpan<byte> digits, int exponent, Span<byte> to)
    {
        var n = 0;
        if (exponent < 0)
        {
            to[n++] = (byte)'0';
            to[n++] = (byte)'.';
            for (var zeros = exponent + 1; zeros < 0; zeros++)
            {
                to[n++] = (byte)'0';
            }

            digits.CopyTo(to[n..]);
            return n + digits.Length;
        }

        for (var i = 0; i < Math.Max(digits.Length, exponent + 1); i++)
        {
            if (i == exponent + 1)
            {
                to[n++] = (byte)'.';
            }

            to[n++] = i < digits.Length ? digits[i] : (byte)'0';
        }

        return n;
    }
}
