namespace Epp.Native.Templates;

/// <summary>Expressions.</summary>
internal sealed partial class Renderer
{
    private Value[] _stack = new Value[256];
    private int _top;

    private Value Eval(Node node)
    {
        if (!Charge(1))
        {
            return Value.Failed;
        }

        switch (node.Kind)
        {
            case NodeKind.Const:
                return node.Constant;
            case NodeKind.Name:
                return Lookup(node);
            case NodeKind.Attribute:
                return GetAttribute(Eval(node.A!), node);
            case NodeKind.Element:
                return EvalElement(node);
            case NodeKind.Call:
                return EvalCall(node);
            case NodeKind.Filter:
                return ApplyFilters(node, default);
            case NodeKind.Test:
                return Value.Bool(EvalTest(node));
            case NodeKind.Not:
                return Value.Bool(!IsTrue(Eval(node.A!)));
            case NodeKind.And:
                var left = Eval(node.A!);
                return IsTrue(left) ? Eval(node.B!) : left;
            case NodeKind.Or:
                var first = Eval(node.A!);
                return IsTrue(first) ? first : Eval(node.B!);
            case NodeKind.Compare:
                return EvalCompare(node);
            case NodeKind.Concat:
                return EvalConcat(node);
            case NodeKind.Condition:
                return EvalCondition(node);
            default:
                return EvalOther(node);
        }
    }

    private Value EvalOther(Node node) => node.Kind switch
    {
        NodeKind.Add => Add(Eval(node.A!), Eval(node.B!)),
        NodeKind.Subtract or NodeKind.Multiply or NodeKind.Divide or NodeKind.FloorDivide or NodeKind.Modulo or NodeKind.Power =>
            Arithmetic(node.Kind, Eval(node.A!), Eval(node.B!)),
        NodeKind.Negate or NodeKind.Plus => Sign(Eval(node.A!), node.Kind == NodeKind.Negate),
        NodeKind.List or NodeKind.Tuple => EvalList(node),
        NodeKind.Dict => EvalDict(node),
        NodeKind.Slice => TypeError("a slice outside of brackets"),
        _ => TypeError("not an expression"),
    };

    private void Push(in Value value)
    {
        if (_top == _stack.Length)
        {
            Array.Resize(ref _stack, _top * 2);
        }

        _stack[_top++] = value;
    }

    /// <summary>What was pushed since a mark, as a list.</summary>
    private Value PopList(int mark, ValueKind kind = ValueKind.List)
    {
        var list = _arena.List(kind, _stack.AsSpan(mark, _top - mark));
        _top = mark;
        Charge(list.Length >> 2);
        if (_arena.IsExhausted)
        {
            CheckMemory();
        }

        return list;
    }

    private Value NewList(ReadOnlySpan<Value> items, ValueKind kind = ValueKind.List)
    {
        Charge(items.Length >> 2);
        var list = _arena.List(kind, items);
        if (_arena.IsExhausted)
        {
            CheckMemory();
        }

        return list;
    }

    private Value EvalList(Node node)
    {
        var mark = _top;
        foreach (var item in node.Items)
        {
            Push(Eval(item));
        }

        return PopList(mark, node.Kind == NodeKind.List || !_rules.IsPython ? ValueKind.List : ValueKind.Tuple);
    }

    private Value EvalDict(Node node)
    {
        var mark = _top;
        for (var i = 0; i < node.Items.Length; i++)
        {
            Push(Eval(node.Items[i]));
            if ((i & 1) == 0 && !IsHashable(_stack[_top - 1]))
            {
                return TypeError("unhashable type");
            }
        }

        var dict = _dicts.Build(_stack.AsSpan(mark, _top - mark));
        _top = mark;
        return dict;
    }

    private static bool IsHashable(in Value value)
    {
        if (value.Kind is ValueKind.List or ValueKind.Dict or ValueKind.View)
        {
            return false;
        }

        if (value.Kind == ValueKind.Tuple)
        {
            foreach (ref readonly var item in value.Items)
            {
                if (!IsHashable(item))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private Value EvalCondition(Node node)
    {
        if (IsTrue(Eval(node.A!)))
        {
            return Eval(node.B!);
        }

        return node.C is { } otherwise ? Eval(otherwise) : Value.Undefined(NoElse, Value.Hint);
    }

    private static readonly byte[] NoElse = "the inline if-expression evaluated to false and no else section was defined."u8.ToArray();

    private Value EvalConcat(Node node)
    {
        var mark = _out.Length;
        foreach (var item in node.Items)
        {
            var value = Eval(item);
            var start = _out.Length;
            PrintConcat(value);
            ChargeBytes(_out.Length - start);
        }

        return Cut(mark);
    }

    /// <summary>Text of an operand of <c>~</c>: minijinja never writes exponents here.</summary>
    private void PrintConcat(in Value value)
    {
        if (value.Kind == ValueKind.Float && !_rules.IsPython)
        {
            PythonNumber.Write(_out, value.Double, withExponent: false);
            return;
        }

        Print(value);
    }

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
        return ValueOrder.Equal(left, right, !_rules.IsPython);
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
            if (!ValueOrder.Equal(left.Items[i], right.Items[i], !_rules.IsPython))
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
            case ValueKind.Text when _rules.IsPython:
                return IsTrue(TypeError($"'in <string>' requires string as left operand, not {TypeName(item)}"));
            case ValueKind.Dict:
                Charge(container.Length >> 2);
                if (_rules.IsPython && !IsHashable(item))
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
