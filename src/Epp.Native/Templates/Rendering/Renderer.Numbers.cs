using System.Globalization;
using System.Numerics;
using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>Filters for numbers.</summary>
internal sealed partial class Renderer
{
    private Value NumberFilter(FilterId filter, in Value value, Arguments arguments)
    {
        switch (filter)
        {
            case FilterId.Abs:
                return Bind(arguments, default, 0, out _) ? Absolute(value) : Value.Failed;
            case FilterId.Bool:
                return Bind(arguments, default, 0, out _) ? Value.Bool(IsTrue(value)) : Value.Failed;
            case FilterId.Int:
                return Bind(arguments, "default,base"u8, 0, out var integer) ? ToInteger(value, integer[0], integer[1]) : Value.Failed;
            case FilterId.Float:
                return Bind(arguments, "default"u8, 0, out var number) ? ToFloat(value, number[0]) : Value.Failed;
            default:
                return Bind(arguments, "precision,method"u8, 0, out var round) ? Round(value, round[0], round[1]) : Value.Failed;
        }
    }

    private Value Absolute(in Value value)
    {
        if (!value.IsNumber)
        {
            return value.IsUndefined ? TypeError("bad operand type for abs(): 'Undefined'")
                : TypeError($"bad operand type for abs(): '{TypeName(value)}'");
        }

        return value.Kind == ValueKind.Float ? Value.Float(Math.Abs(value.Double)) : Value.Big(BigInteger.Abs(value.Integer));
    }

    private Value ToInteger(in Value value, in Value fallback, in Value radix)
    {
        if (!_rules.IsPython && (value.IsUndefined || value.Kind == ValueKind.None))
        {
            return Value.Int(0);
        }

        if (value.IsUndefined)
        {
            return FailUndefined(value);
        }

        if (value.Kind == ValueKind.Float)
        {
            return double.IsFinite(value.Double) ? Value.Big(new BigInteger(value.Double)) : Fallback(fallback, Value.Int(0));
        }

        if (value.IsNumber)
        {
            return Value.Big(value.Integer);
        }

        if (value.Kind == ValueKind.Text)
        {
            var bits = radix.IsMissing ? 10 : radix.Bits;
            if (TryInteger(Utf8Text.TrimEnd(Utf8Text.TrimStart(value.Span)), bits, out var integer))
            {
                return integer;
            }

            if (TryDouble(value.Span, out var number) && double.IsFinite(number))
            {
                return Value.Big(new BigInteger(number));
            }
        }

        return Fallback(fallback, Value.Int(0));
    }

    /// <summary>What stands for a text that is no number: minijinja has no such thing.</summary>
    private Value Fallback(in Value fallback, in Value otherwise) =>
        !fallback.IsMissing ? fallback : _rules.IsPython ? otherwise : TypeError("not a number");

    private static bool TryInteger(ReadOnlySpan<byte> text, long radix, out Value value)
    {
        value = default;
        var negates = text.StartsWith("-"u8);
        text = negates || text.StartsWith("+"u8) ? text[1..] : text;
        if (radix != 10 && text.Length > 2 && text[0] == '0')
        {
            var prefixed = (text[1] | 0x20) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 };
            var applies = prefixed != 0 && (radix == 0 || radix == prefixed);
            text = applies ? text[2..] : text;
            radix = applies ? prefixed : radix;
        }

        radix = radix == 0 ? 10 : radix;
        if (text.IsEmpty || text.Length > 4300 || text[0] == '_' || text[^1] == '_')
        {
            return false;
        }

        BigInteger big = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '_' && text[i - 1] != '_')
            {
                continue;
            }

            var digit = Utf8Text.DigitValue(text[i]);
            if (digit >= radix)
            {
                return false;
            }

            big = big * radix + digit;
        }

        value = Value.Big(negates ? -big : big);
        return true;
    }

    private static bool TryDouble(scoped ReadOnlySpan<byte> text, out double value)
    {
        text = Utf8Text.TrimEnd(Utf8Text.TrimStart(text));
        value = 0;
        var unsigned = text.StartsWith("-"u8) || text.StartsWith("+"u8) ? text[1..] : text;
        if (unsigned.IsEmpty)
        {
            return false;
        }

        if (char.IsAsciiLetter((char)unsigned[0]))
        {
            value = IsWord(unsigned, "inf"u8) || IsWord(unsigned, "infinity"u8) ? (text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity)
                : double.NaN;
            return !double.IsNaN(value) || IsWord(unsigned, "nan"u8);
        }

        Span<byte> digits = stackalloc byte[128];
        if (text.IndexOf((byte)'_') >= 0)
        {
            if (text.Length > digits.Length || text.IndexOf("__"u8) >= 0 || text[^1] == '_' || unsigned[0] == '_')
            {
                return false;
            }

            text = digits[..WithoutUnderscores(text, digits)];
        }

        return text.IndexOfAnyExcept("+-.0123456789eE"u8) < 0
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }

    private static int WithoutUnderscores(ReadOnlySpan<byte> text, Span<byte> digits)
    {
        var length = 0;
        foreach (var c in text)
        {
            digits[length] = c;
            length += c == '_' ? 0 : 1;
        }

        return length;
    }

    private static bool IsWord(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word)
    {
        var matches = text.Length == word.Length;
        for (var i = 0; i < word.Length && matches; i++)
        {
            matches = (text[i] | 0x20) == word[i];
        }

        return matches;
    }

    private Value ToFloat(in Value value, in Value fallback)
    {
        if (!_rules.IsPython && (value.IsUndefined || value.Kind == ValueKind.None))
        {
            return Value.Float(0);
        }

        if (value.IsUndefined)
        {
            return FailUndefined(value);
        }

        if (value.IsNumber)
        {
            return Value.Float(ToDouble(value));
        }

        return value.Kind == ValueKind.Text && TryDouble(value.Span, out var number)
            ? Value.Float(number)
            : Fallback(fallback, Value.Float(0));
    }

    private Value Round(in Value value, in Value precision, in Value method)
    {
        if (!value.IsNumber || !(precision.IsMissing || precision.IsSmall))
        {
            return value.IsUndefined ? TypeError("type Undefined doesn't define __round__ method")
                : TypeError($"type {TypeName(value)} doesn't define __round__ method");
        }

        var digits = (int)Math.Clamp(precision.IsMissing ? 0 : precision.Bits, -400, 400);
        if (method.IsMissing || method.Is("common"u8))
        {
            if (value.Kind == ValueKind.Float)
            {
                return RoundFloat(value.Double, digits);
            }

            return digits >= 0 || !_rules.IsPython ? Value.Big(value.Integer) : RoundInteger(value.Integer, digits);
        }

        if (!method.Is("ceil"u8) && !method.Is("floor"u8))
        {
            return TypeError("method must be common, ceil or floor");
        }

        var factor = Math.Pow(10, digits);
        var scaled = ToDouble(value) * factor;
        return double.IsFinite(scaled)
            ? Value.Float((method.Is("ceil"u8) ? Math.Ceiling(scaled) : Math.Floor(scaled)) / factor)
            : TypeError("cannot convert float infinity to integer");
    }

    private Value RoundInteger(BigInteger value, int digits)
    {
        if (digits < -4300)
        {
            return Value.Int(0);
        }

        var unit = BigInteger.Pow(10, -digits);
        var quotient = BigInteger.DivRem(value, unit, out var rest);
        var twice = BigInteger.Abs(rest) * 2;
        var away = twice > unit || (twice == unit && !quotient.IsEven);
        return BigResult((quotient + (away ? value.Sign : 0)) * unit);
    }

    /// <summary>Rounds the exact decimal value of a float; a tie goes to the even digit in Python, away from zero in Rust.</summary>
    private Value RoundFloat(double value, int digits)
    {
        if (!double.IsFinite(value) || digits > 340)
        {
            return Value.Float(value);
        }

        if (!_rules.IsPython || digits < 0)
        {
            var factor = Math.Pow(10, digits);
            var rounded = Math.Round(value * factor, _rules.IsPython ? MidpointRounding.ToEven : MidpointRounding.AwayFromZero) / factor;
            return Value.Float(double.IsFinite(rounded) ? rounded : digits < 0 ? 0 : value);
        }

        var text = FixedPoint.Round(value, digits);
        return Value.Float(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture));
    }
}
