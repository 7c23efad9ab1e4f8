using System.Numerics;
using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Powers, floats, repetition, signs.</summary>
internal sealed partial class Renderer
{
    private Value IntegerPower(in Value left, in Value right)
    {
        if (right.Integer.Sign < 0)
        {
            return _rules.IsPython ? FloatArithmetic(NodeKind.Power, left, right) : TypeError("unable to calculate a negative power");
        }

        var bits = left.Integer.GetBitLength();
        if (right.Kind == ValueKind.Big || (bits > 1 && right.Bits * bits > BigNumber.MaxBits * 2) || right.Bits > int.MaxValue)
        {
            var isUnit = left.IsSmall && left.Bits is 0 or 1 or -1;
            return isUnit
                ? Value.Int(left.Bits == -1 && right.Integer.IsEven ? 1 : left.Bits)
                : Fail(TemplateErrorKind.MemoryLimit, "an integer with too many digits");
        }

        Charge(bits * (right.Bits + 1) >> 3);
        return BigResult(BigInteger.Pow(left.Integer, (int)right.Bits));
    }

    private Value FloatArithmetic(NodeKind kind, in Value left, in Value right)
    {
        var (a, b) = (ToDouble(left), ToDouble(right));
        if (!_rules.IsPython && kind is NodeKind.Divide or NodeKind.FloorDivide or NodeKind.Modulo)
        {
            return Value.Float(RustDivision(kind, a, b));
        }

        if (b == 0 && kind is NodeKind.Divide or NodeKind.FloorDivide or NodeKind.Modulo)
        {
            return TypeError("division by zero");
        }

        switch (kind)
        {
            case NodeKind.Subtract:
                return FloatResult(a - b);
            case NodeKind.Multiply:
                return FloatResult(a * b);
            case NodeKind.Divide:
                return FloatResult(a / b);
            case NodeKind.Power:
                return FloatPower(a, b);
            default:
                var rest = a % b;
                var quotient = (a - rest) / b;
                if (rest != 0)
                {
                    var rounds = (rest < 0) != (b < 0);
                    rest += rounds ? b : 0;
                    quotient -= rounds ? 1 : 0;
                }
                else
                {
                    rest = Math.CopySign(0, b);
                }

                return FloatResult(kind == NodeKind.Modulo ? rest : WholeQuotient(quotient, a / b));
        }
    }

    /// <summary>Rust's float division: infinite by zero, a rest with the sign of the dividend, a Euclidean whole quotient.</summary>
    private static double RustDivision(NodeKind kind, double a, double b)
    {
        if (kind != NodeKind.FloorDivide)
        {
            return kind == NodeKind.Divide ? a / b : a % b;
        }

        var quotient = Math.Truncate(a / b);
        return a % b < 0 ? (b > 0 ? quotient - 1 : quotient + 1) : quotient;
    }

    /// <summary>The nearest whole number to a quotient that is whole but for rounding, as Python's float division does it.</summary>
    private static double WholeQuotient(double quotient, double exact)
    {
        if (quotient == 0)
        {
            return Math.CopySign(0, exact);
        }

        var floor = Math.Floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private Value FloatPower(double a, double b)
    {
        if (a == 0 && b < 0)
        {
            return TypeError("0.0 cannot be raised to a negative power");
        }

        var result = Math.Pow(a, b);
        if (double.IsFinite(a) && double.IsFinite(b) && !double.IsFinite(result))
        {
            return TypeError(double.IsNaN(result) ? "complex numbers are not supported" : "numerical result out of range");
        }

        return FloatResult(result);
    }

    private bool TryRepeat(in Value left, in Value right, out Value result)
    {
        result = default;
        var (what, count) = right.IsSmall ? (left, right) : (right, left);
        if (!count.IsSmall || what.Kind is not (ValueKind.Text or ValueKind.List or ValueKind.Tuple))
        {
            return false;
        }

        var times = Math.Clamp(count.Bits, 0, int.MaxValue);
        if (what.Kind == ValueKind.Text)
        {
            var text = _out.Length;
            for (long i = 0; i < times && what.Length > 0 && ChargeBytes(what.Length); i++)
            {
                _out.Write(what.Span);
            }

            result = Cut(text, what.Flag);
            return true;
        }

        var mark = _top;
        for (long i = 0; i < times && what.Length > 0 && Charge(1 + what.Length); i++)
        {
            PushAll(what.Items);
        }

        result = PopList(mark, what.Kind);
        return true;
    }

    private Value Sign(in Value value, bool negates)
    {
        if (value.IsUndefined)
        {
            return FailUndefined(value);
        }

        if (!value.IsNumber)
        {
            return TypeError($"bad operand type for unary {(negates ? '-' : '+')}: '{TypeName(value)}'");
        }

        if (value.Kind == ValueKind.Float)
        {
            return negates ? Value.Float(-value.Double) : value;
        }

        return Value.Big(negates ? -value.Integer : value.Integer);
    }
}
