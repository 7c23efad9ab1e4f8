using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

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

    /// <summary>Values in a tuple that is a key; a larger one counts as not hashable, so that comparing keys costs little.</summary>
    internal const int MaxKeyItems = 64;

    private static bool IsHashable(in Value value)
    {
        var left = MaxKeyItems;
        return IsHashable(value, ref left);
    }

    private static bool IsHashable(in Value value, ref int left)
    {
        if (--left < 0 || value.Kind is ValueKind.List or ValueKind.Dict or ValueKind.View)
        {
            return false;
        }

        if (value.Kind == ValueKind.Tuple)
        {
            foreach (ref readonly var item in value.Items)
            {
                if (!IsHashable(item, ref left))
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
}
