using System.Buffers;
using System.Globalization;
using System.Text;
using Epp.Native.Requests;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Chat;

/// <summary>JSON values as Python's <c>repr</c> prints what <c>json.loads</c> makes of them.</summary>
internal static class PythonText
{
    /// <summary>Appends the plain text of a value.</summary>
    public static void Repr(JsonTree tree, int node, JsonOutput output)
    {
        switch (tree.Kind(node))
        {
            case JsonKind.Map:
                output.Byte((byte)'{');
                for (var key = tree.FirstKey(node); key >= 0; key = tree.KeyAfter(node, key))
                {
                    output.Raw(key == tree.FirstKey(node) ? default : ", "u8);
                    ReprText(tree, key, output);
                    output.Raw(": "u8);
                    Repr(tree, tree.Value(key), output);
                }

                output.Byte((byte)'}');
                break;
            case JsonKind.List:
                output.Byte((byte)'[');
                for (var element = tree.First(node); element >= 0; element = tree.After(node, element))
                {
                    output.Raw(element == tree.First(node) ? default : ", "u8);
                    Repr(tree, element, output);
                }

                output.Byte((byte)']');
                break;
            case JsonKind.Text:
                ReprText(tree, node, output);
                break;
            case JsonKind.Bool:
                output.Raw(tree.IsTrue(node) ? "True"u8 : "False"u8);
                break;
            case JsonKind.Null:
                output.Raw("None"u8);
                break;
            default:
                ReprNumber(tree.Raw(node), output);
                break;
        }
    }

    private static void ReprNumber(ReadOnlySpan<byte> number, JsonOutput output)
    {
        if (number.IndexOfAny(".eEN"u8) < 0 || !System.Buffers.Text.Utf8Parser.TryParse(number, out double value, out _))
        {
            output.Raw(number is [(byte)'-', (byte)'0'] ? "0"u8 : number);
            return;
        }

        Span<byte> text = stackalloc byte[32];
        value.TryFormat(text, out var length, "R", CultureInfo.InvariantCulture);
        WriteReal(text[..length], output);
    }

    /// <summary>From .NET's shortest digits (<c>1E-07</c>, <c>1E+22</c>, <c>5</c>) to Python's: a point or an exponent, never neither.</summary>
    private static void WriteReal(ReadOnlySpan<byte> text, JsonOutput output)
    {
        var exponent = text.IndexOf((byte)'E');
        var digits = exponent < 0 ? text : text[..exponent];
        if (exponent >= 0)
        {
            _ = System.Buffers.Text.Utf8Parser.TryParse(text[(exponent + 1)..], out int power, out _);
            if (power is >= 16 or < -4)
            {
                output.Raw(digits);
                output.Raw(power < 0 ? "e-"u8 : "e+"u8);
                power = Math.Abs(power);
                Span<byte> number = stackalloc byte[8];
                System.Buffers.Text.Utf8Formatter.TryFormat(power, number, out var length);
                output.Raw(power < 10 ? "0"u8 : default);
                output.Raw(number[..length]);
                return;
            }

            Expand(digits, power, output);
            return;
        }

        output.Raw(digits);
        output.Raw(digits.IndexOf((byte)'.') < 0 ? ".0"u8 : default);
    }

    private static void Expand(ReadOnlySpan<byte> digits, int power, JsonOutput output)
    {
        if (digits[0] == '-')
        {
            output.Byte((byte)'-');
            digits = digits[1..];
        }

        // One digit before the point, as the exponent form has it.
        output.Byte(digits[0]);
        var fraction = digits.Length > 2 ? digits[2..] : default;
        output.Raw(fraction);
        for (var i = fraction.Length; i < power; i++)
        {
            output.Byte((byte)'0');
        }

        output.Raw(".0"u8);
    }

    private static void ReprText(JsonTree tree, int node, JsonOutput output)
    {
        var raw = tree.Raw(node);
        var plain = ArrayPool<byte>.Shared.Rent(Math.Max(1, raw.Length));
        var text = plain.AsSpan(0, JsonText.Unescape(raw, plain));
        var quote = text.IndexOf((byte)'\'') >= 0 && text.IndexOf((byte)'"') < 0 ? (byte)'"' : (byte)'\'';
        output.Byte(quote);
        for (var at = 0; at < text.Length;)
        {
            Rune.DecodeFromUtf8(text[at..], out var rune, out var used);
            WriteRune(rune, text.Slice(at, used), quote, output);
            at += used;
        }

        output.Byte(quote);
        ArrayPool<byte>.Shared.Return(plain);
    }

    private static void WriteRune(Rune rune, ReadOnlySpan<byte> bytes, byte quote, JsonOutput output)
    {
        var value = rune.Value;
        if (value == quote || value == '\\')
        {
            output.Byte((byte)'\\');
            output.Raw(bytes);
        }
        else if (value is '\n' or '\r' or '\t')
        {
            output.Raw(value == '\n' ? "\\n"u8 : value == '\r' ? "\\r"u8 : "\\t"u8);
        }
        else if (CaseMap.IsPrintable(rune.Value))
        {
            output.Raw(bytes);
        }
        else
        {
            WriteCode(value, output);
        }
    }

    private static void WriteCode(int value, JsonOutput output)
    {
        var digits = value < 0x100 ? 2 : value < 0x10000 ? 4 : 8;
        output.Raw(digits == 2 ? "\\x"u8 : digits == 4 ? "\\u"u8 : "\\U"u8);
        for (var shift = (digits - 1) * 4; shift >= 0; shift -= 4)
        {
            output.Byte("0123456789abcdef"u8[(value >> shift) & 15]);
        }
    }

}
