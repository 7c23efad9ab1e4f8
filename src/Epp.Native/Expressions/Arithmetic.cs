namespace Epp.Native.Expressions;

/// <summary>
/// The operators of CEL over whole numbers, reals and truth values (https://github.com/google/cel-spec, langdef "List of Standard
/// Definitions"). What CEL has no result for is <see cref="UsageValue.Error"/>. Where a whole number meets a real, both are taken as reals:
/// CEL has no such operation, and its counts are reals beside literals that are not.
/// </summary>
internal static class Arithmetic
{
    public static UsageValue Apply(Operation operation, UsageValue left, UsageValue right) => operation switch
    {
        Operation.Equal => UsageValue.Of(AreEqual(left, right)),
        Operation.NotEqual => UsageValue.Of(!AreEqual(left, right)),
        Operation.Less or Operation.LessOrEqual or Operation.Greater or Operation.GreaterOrEqual => Compare(operation, left, right),
        _ when !left.IsNumber || !right.IsNumber => UsageValue.Error,
        _ when left.Kind == ValueKind.Int && right.Kind == ValueKind.Int => Whole(operation, left.Int, right.Int),
        _ => Real(operation, left.Double, right.Double),
    };

    public static UsageValue Negate(UsageValue value) => value.Kind switch
    {
        ValueKind.Int when value.Int != long.MinValue => UsageValue.Of(-value.Int),
        ValueKind.Double => UsageValue.Of(-value.Double),
        _ => UsageValue.Error,
    };

    /// <summary><c>int(x)</c>: towards zero, within 64 bits.</summary>
    public static UsageValue ToInt(UsageValue value) => value.Kind switch
    {
        ValueKind.Int => value,
        ValueKind.Double when value.Double is > -9.2233720368547758E18 and < 9.2233720368547758E18 => UsageValue.Of((long)value.Double),
        _ => UsageValue.Error,
    };

    /// <summary><c>double(x)</c>.</summary>
    public static UsageValue ToDouble(UsageValue value) => value.IsNumber ? UsageValue.Of(value.Double) : UsageValue.Error;

    private static bool AreEqual(UsageValue left, UsageValue right) =>
        left.Kind == right.Kind && left.Kind != ValueKind.Double ? left.Int == right.Int
        : left.IsNumber && right.IsNumber && left.Double == right.Double;

    private static UsageValue Compare(Operation operation, UsageValue left, UsageValue right)
    {
        if (left.IsNumber != right.IsNumber)
        {
            return UsageValue.Error;
        }

        // NaN is neither less, equal nor greater.
        var order = left.Kind == ValueKind.Double || right.Kind == ValueKind.Double
            ? (Below: left.Double < right.Double, Above: left.Double > right.Double, Same: left.Double == right.Double)
            : (Below: left.Int < right.Int, Above: left.Int > right.Int, Same: left.Int == right.Int);
        return UsageValue.Of(operation switch
        {
            Operation.Less => order.Below,
            Operation.LessOrEqual => order.Below || order.Same,
            Operation.Greater => order.Above,
            _ => order.Above || order.Same,
        });
    }

    private static UsageValue Whole(Operation operation, long left, long right)
    {
        switch (operation)
        {
            case Operation.Add:
                var sum = unchecked(left + right);
                return ((left ^ sum) & (right ^ sum)) < 0 ? UsageValue.Error : UsageValue.Of(sum);
            case Operation.Subtract:
                var difference = unchecked(left - right);
                return ((left ^ right) & (left ^ difference)) < 0 ? UsageValue.Error : UsageValue.Of(difference);
            case Operation.Multiply:
                var high = Math.BigMul(left, right, out var low);
                return high == low >> 63 ? UsageValue.Of(low) : UsageValue.Error;
            default:
                if (right == 0 || (left == long.MinValue && right == -1))
                {
                    return UsageValue.Error;
                }

                return UsageValue.Of(operation == Operation.Divide ? left / right : left % right);
        }
    }

    private static UsageValue Real(Operation operation, double left, double right) => UsageValue.Of(operation switch
    {
        Operation.Add => left + right,
        Operation.Subtract => left - right,
        Operation.Multiply => left * right,
        Operation.Divide => left / right,
        _ => left % right,
    });
}
