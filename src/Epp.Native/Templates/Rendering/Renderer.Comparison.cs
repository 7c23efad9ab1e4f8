using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Equality, order, membership, truth.</summary>
internal sealed partial class Renderer
{
    private Value EvalCompare(Node node)
    {
        var left = Eval(node.A!);
        for (var i = 0; i < node.Items.Length; i++)
        {
            var right = Eval(node.Items[i]);
            if (!Compare(node.Operators[i], left, right))
            {
                return HasFailed ? Value.Failed : Value.False;
            }

            left = right;
        }

        return Value.True;
    }

    private bool Compare(Comparator comparator, in Value left, in Value right)
    {
        switch (comparator)
        {
            case Comparator.Equal:
                return IsEqual(left, right);
            case Comparator.NotEqual:
                return !IsEqual(left, right);
            case Comparator.In:
                return Contains(right, left);
            case Comparator.NotIn:
                return !Contains(right, left);
            default:
                return IsOrdered(comparator, left, right);
        }
    }

    private bool IsEqual(in Value left, in Value right)
    {
        ChargeBytes(left.Kind == ValueKind.Text ? left.Length : left.IsSequence || left.Kind == ValueKind.Dict ? left.Length * 32 : 0);
        return AreEqual(left, right);
    }

    private bool AreEqual(in Value left, in Value right)
    {
        var areEqual = ValueOrder.Equal(left, right, !_rules.IsPython, ref _steps);
        return Charge(0) && areEqual;
    }

    private bool IsOrdered(Comparator comparator, in Value left, in Value right)
    {
        if (ValueOrder.IsNan(left) || ValueOrder.IsNan(right))
        {
            return false;
        }

        if (!TryOrder(left, right, out var order))
        {
            return false;
        }

        return comparator switch
        {
            Comparator.Less => order < 0,
            Comparator.LessOrEqual => order <= 0,
            Comparator.Greater => order > 0,
            _ => order >= 0,
        };
    }

    /// <summary>Order of two values; fails in Python where their types have none.</summary>
    private bool TryOrder(in Value left, in Value right, out int order, int depth = 0)
    {
        order = 0;
        if (left.IsNumber && right.IsNumber)
        {
            order = ValueOrder.CompareNumbers(left, right);
            return true;
        }

        if (left.Kind == right.Kind && left.Kind is ValueKind.Text or ValueKind.Bytes)
        {
            order = left.Span.SequenceCompareTo(right.Span);
            return ChargeBytes(Math.Min(left.Length, right.Length));
        }

        if (left.Kind == right.Kind && left.Kind is ValueKind.List or ValueKind.Tuple && depth < 100)
        {
            return TryOrderLists(left, right, out order, depth);
        }

        if (!_rules.IsPython)
        {
            order = ValueOrder.Rank(left).CompareTo(ValueOrder.Rank(right));
            return true;
        }

        if (left.IsUndefined || right.IsUndefined)
        {
            FailUndefined(left.IsUndefined ? left : right);
        }
        else
        {
            TypeError($"'<' not supported between instances of '{TypeName(left)}' and '{TypeName(right)}'");
        }

        return false;
    }

    private bool TryOrderLists(in Value left, in Value right, out int order, int depth)
    {
        order = 0;
        for (var i = 0; i < Math.Min(left.Length, right.Length) && Charge(1); i++)
        {
            if (!AreEqual(left.Items[i], right.Items[i]))
            {
                return TryOrder(left.Items[i], right.Items[i], out order, depth + 1);
            }
        }

        order = left.Length.CompareTo(right.Length);
        return !HasFailed;
    }

    private bool Contains(in Value container, in Value item)
    {
        switch (container.Kind)
        {
            case ValueKind.Text when item.Kind == ValueKind.Text:
                ChargeBytes(container.Length);
                return container.Span.IndexOf(item.Span) >= 0;
            case ValueKind.Text when !_rules.IsPython:
                // minijinja looks for the printed value.
                return container.Span.IndexOf(ToText(item).Span) >= 0;
            case ValueKind.Text:
                return IsTrue(TypeError($"'in <string>' requires string as left operand, not {TypeName(item)}"));
            case ValueKind.Dict:
                Charge(container.Length >> 2);
                if (!IsHashable(item))
                {
                    TypeError("unhashable type");
                    return false;
                }

                return ValueOrder.IndexOf(container, item) >= 0;
            case ValueKind.Undefined:
                return false;
            case ValueKind.None:
                TypeError("argument of type 'NoneType' is not iterable");
                return false;
            default:
                return TryIterate(container, out var items) && IndexOf(items, item) >= 0;
        }
    }

    private int IndexOf(in Value items, in Value item)
    {
        for (var i = 0; i < items.Length && Charge(1); i++)
        {
            if (IsEqual(items.Items[i], item))
            {
                return i;
            }
        }

        return -1;
    }

    private static bool IsTrue(in Value value) => value.Kind switch
    {
        ValueKind.Missing or ValueKind.Failed or ValueKind.Undefined or ValueKind.None => false,
        ValueKind.Bool or ValueKind.Int => value.Bits != 0,
        ValueKind.Float => value.Double != 0,
        ValueKind.Text or ValueKind.Bytes or ValueKind.List or ValueKind.Tuple or ValueKind.View or ValueKind.Dict => value.Length > 0,
        ValueKind.Range => RangeLength(value) > 0,
        _ => true,
    };
}
