using System.Globalization;
using System.Numerics;
using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>Arithmetic with Python's types.</summary>
internal sealed partial class Renderer
{
    private Value OperandError(string sign, in Value left, in Value right)
    {
        if (left.IsUndefined || right.IsUndefined)
        {
            return FailUndefined(left.IsUndefined ? left : right);
        }

        return TypeError($"unsupported operand type(s) for {sign}: '{TypeName(left)}' and '{TypeName(right)}'");
    }

    private Value Add(in Value left, in Value right)
    {
        if (left.IsSmall && right.IsSmall)
        {
            var sum = left.Bits + right.Bits;
            var overflows = ((left.Bits ^ sum) & (right.Bits ^ sum)) < 0;
            return overflows ? Value.Big((BigInteger)left.Bits + right.Bits) : Value.Int(sum);
        }

        if (left.Kind == ValueKind.Text && right.Kind == ValueKind.Text)
        {
            return Join(left, right);
        }

        if (left.IsNumber && right.IsNumber)
        {
            return left.Kind == ValueKind.Float || right.Kind == ValueKind.Float
                ? FloatResult(ToDouble(left) + ToDouble(right))
                : BigResult(left.Integer + right.Integer);
        }

        if (left.Kind == right.Kind && left.Kind is ValueKind.List or ValueKind.Tuple)
        {
            var mark = _top;
            PushAll(left.Items);
            PushAll(right.Items);
            return PopList(mark, left.Kind);
        }

        if (left.Kind == ValueKind.Text && !right.IsUndefined)
        {
            return TypeError($"can only concatenate str (not \"{TypeName(right)}\") to str");
        }

        return OperandError("+", left, right);
    }

    private void PushAll(ReadOnlySpan<Value> items)
    {
        foreach (ref readonly var item in items)
        {
            Push(item);
        }
    }

    private Value Join(in Value left, in Value right)
    {
        var flag = (byte)((left.Flag | right.Flag) & (_rules.IsPython ? Value.Markup : 0));
        if (flag == 0 && (left.Length == 0 || right.Length == 0))
        {
            return left.Length == 0 ? right : left;
        }

        var mark = _out.Length;
        PrintPart(left, flag);
        PrintPart(right, flag);
        return Cut(mark, flag);
    }

    /// <summary>Markup escapes what is added to it.</summary>
    private void PrintPart(in Value text, byte flag)
    {
        if (flag != 0 && text.Flag == 0)
        {
            HtmlText.Escape(_out, text.Span, _rules.IsPython);
        }
        else
        {
            _out.Write(text.Span);
        }
    }

    private static Value FloatResult(double value) => Value.Float(value);

    private Value BigResult(BigInteger value) =>
        BigNumber.Fits(value) ? Value.Big(value) : Fail(TemplateErrorKind.MemoryLimit, "an integer with too many digits");

    private double ToDouble(in Value value)
    {
        if (value.Kind != ValueKind.Big)
        {
            return value.Kind == ValueKind.Float ? value.Double : value.Bits;
        }

        // The conversion truncates where Python rounds to the nearest float; reading the digits rounds.
        Charge(64);
        var number = double.Parse(
            value.Integer.ToString(CultureInfo.InvariantCulture), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (double.IsInfinity(number))
        {
            TypeError("int too large to convert to float");
        }

        return number;
    }

    private Value Arithmetic(NodeKind kind, in Value left, in Value right)
    {
        if (left.IsNumber && right.IsNumber)
        {
            return left.Kind == ValueKind.Float || right.Kind == ValueKind.Float || kind == NodeKind.Divide
                ? FloatArithmetic(kind, left, right)
                : IntegerArithmetic(kind, left, right);
        }

        if (kind == NodeKind.Multiply && TryRepeat(left, right, out var repeated))
        {
            return repeated;
        }

        if (kind == NodeKind.Modulo && left.Kind == ValueKind.Text && _rules.IsPython)
        {
            return FormatPercent(left, right);
        }

        return OperandError(Sign(kind), left, right);
    }

    private static string Sign(NodeKind kind) => kind switch
    {
        NodeKind.Subtract => "-",
        NodeKind.Multiply => "*",
        NodeKind.Divide => "/",
        NodeKind.FloorDivide => "//",
        NodeKind.Modulo => "%",
        _ => "** or pow()",
    };

    private Value IntegerArithmetic(NodeKind kind, in Value left, in Value right)
    {
        if (kind == NodeKind.Power)
        {
            return IntegerPower(left, right);
        }

        var isDivision = kind is NodeKind.FloorDivide or NodeKind.Modulo;
        if (isDivision && right.IsSmall && right.Bits == 0)
        {
            return TypeError("integer division or modulo by zero");
        }

        if (left.IsSmall && right.IsSmall)
        {
            var (a, b) = (left.Bits, right.Bits);
            if (!isDivision)
            {
                var wide = kind == NodeKind.Subtract ? (Int128)a - b : (Int128)a * b;
                return wide >= long.MinValue && wide <= long.MaxValue
                    ? Value.Int((long)wide)
                    : BigResult(kind == NodeKind.Subtract ? (BigInteger)a - b : (BigInteger)a * b);
            }

            if (b == -1)
            {
                return kind == NodeKind.Modulo ? Value.Int(0) : BigResult(-(BigInteger)a);
            }

            var quotient = a / b;
            var rest = a - quotient * b;
            var rounds = rest != 0 && (rest < 0) != (b < 0);
            if (!_rules.IsPython)
            {
                // Rust's Euclidean division: the rest is never negative.
                return Value.Int(rest >= 0 ? (kind == NodeKind.FloorDivide ? quotient : rest)
                    : kind == NodeKind.FloorDivide ? quotient - (b < 0 ? -1 : 1) : b < 0 ? rest - b : rest + b);
            }

            return Value.Int(kind == NodeKind.FloorDivide ? quotient - (rounds ? 1 : 0) : rest + (rounds ? b : 0));
        }

        return BigArithmetic(kind, left.Integer, right.Integer);
    }

    private Value BigArithmetic(NodeKind kind, BigInteger a, BigInteger b)
    {
        Charge((long)(a.GetBitLength() + b.GetBitLength()) >> 3);
        if (kind is NodeKind.Subtract or NodeKind.Multiply)
        {
            return BigResult(kind == NodeKind.Subtract ? a - b : a * b);
        }

        var quotient = BigInteger.DivRem(a, b, out var rest);
        var rounds = !rest.IsZero && (rest.Sign < 0) != (b.Sign < 0);
        return BigResult(kind == NodeKind.FloorDivide ? quotient - (rounds ? 1 : 0) : rest + (rounds ? b : 0));
    }
}
