using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>Iteration, elements, slices.</summary>
internal sealed partial class Renderer
{
    /// <summary>The elements of something iterable, as a value whose <see cref="Value.Items"/> they are.</summary>
    private bool TryIterate(in Value value, out Value items)
    {
        items = Value.EmptyList;
        switch (value.Kind)
        {
            case ValueKind.List or ValueKind.Tuple or ValueKind.View:
                items = value;
                return true;
            case ValueKind.Undefined:
                return true;
            case ValueKind.None when !_rules.IsPython:
                return true;
            case ValueKind.Dict:
                items = KeysOf(value, 0);
                return true;
            case ValueKind.Text:
                items = Characters(value);
                return true;
            case ValueKind.Range:
                items = RangeItems(value);
                return true;
            case ValueKind.Iterator:
                var state = (IteratorState)value.Ref!;
                if (state.Items.Kind == ValueKind.Failed)
                {
                    TypeError(NoMapping);
                    return false;
                }

                items = NewList(state.Items.Items[state.Position..]);
                state.Position = state.Items.Length;
                return true;
            case ValueKind.Failed:
                return false;
            default:
                TypeError($"'{TypeName(value)}' object is not iterable");
                return false;
        }
    }

    /// <summary>Keys (0) or values (1) of a dict.</summary>
    private Value KeysOf(in Value dict, int offset)
    {
        var block = _arena.TakeValues(dict.Length, out var start);
        Charge(dict.Length >> 2);
        if (block is null)
        {
            CheckMemory();
            return Value.EmptyList;
        }

        var items = dict.Items;
        for (var i = 0; i < dict.Length; i++)
        {
            block[start + i] = items[i * 2 + offset];
        }

        return Value.Range(ValueKind.List, block, start, dict.Length);
    }

    private Value PairsOf(in Value dict)
    {
        var mark = _top;
        Charge(dict.Length);
        for (var i = 0; i < dict.Length; i++)
        {
            Push(NewList(dict.Items.Slice(i * 2, 2), TupleKind));
        }

        return PopList(mark);
    }

    /// <summary>Tuples are lists in minijinja.</summary>
    private ValueKind TupleKind => _rules.IsPython ? ValueKind.Tuple : ValueKind.List;

    private Value Characters(in Value text)
    {
        var mark = _top;
        for (var at = 0; at < text.Length && Charge(1);)
        {
            var length = Utf8Text.RuneLength(text.Span[at]);
            Push(new Value(ValueKind.Text, text.Ref, (uint)(text.Start + at) | ((long)length << 32)));
            at += length;
        }

        return PopList(mark);
    }

    private static long RangeLength(in Value range)
    {
        var (start, stop, step) = (range.Items[0].Bits, range.Items[1].Bits, range.Items[2].Bits);
        var span = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        var stride = Int128.Abs(step);
        return span <= 0 ? 0 : (long)((span + stride - 1) / stride);
    }

    private Value RangeItems(in Value range)
    {
        var mark = _top;
        var length = RangeLength(range);
        var (start, step) = (range.Items[0].Bits, range.Items[2].Bits);
        for (long i = 0; i < length && Charge(1); i++)
        {
            Push(Value.Int(start + i * step));
        }

        return PopList(mark);
    }

    private Value EvalElement(Node node)
    {
        var container = Eval(node.A!);
        if (node.B!.Kind == NodeKind.Slice)
        {
            var first = node.B.A is null ? Value.None : Eval(node.B.A);
            var last = node.B.B is null ? Value.None : Eval(node.B.B);
            var step = node.B.C is null ? Value.None : Eval(node.B.C);
            var isSliceable = container.Kind is ValueKind.Text or ValueKind.List or ValueKind.Tuple or ValueKind.Range;
            return !isSliceable && !container.IsUndefined && _rules.IsPython && IsFolded(node.A!)
                ? Value.Undefined([], Value.OfAttribute)
                : SliceOf(container, first, last, step);
        }

        return GetElement(container, Eval(node.B));
    }

    /// <summary>
    /// Whether jinja2 computes an expression when it compiles. It then looks elements up by a way that turns a failing slice into an
    /// undefined value. (jinja2 keeps the error where the constant stands inside of an expression that is none; here it is undefined.)
    /// </summary>
    private static bool IsFolded(Node node)
    {
        if (node.Kind is NodeKind.Name or NodeKind.Call
            || (node.Kind == NodeKind.Filter && (FilterId)node.Id is FilterId.Map or FilterId.Select or FilterId.Reject
                or FilterId.SelectAttr or FilterId.RejectAttr))
        {
            return false;
        }

        var isFolded = (node.A is null || IsFolded(node.A)) && (node.B is null || IsFolded(node.B)) && (node.C is null || IsFolded(node.C));
        foreach (var item in node.Items)
        {
            isFolded = isFolded && IsFolded(item);
        }

        foreach (var argument in node.Call?.Positional ?? Node.NoItems)
        {
            isFolded = isFolded && IsFolded(argument);
        }

        return isFolded;
    }

    /// <summary><c>container[key]</c>; text also finds attributes.</summary>
    private Value GetElement(in Value container, in Value key)
    {
        switch (container.Kind)
        {
            case ValueKind.Undefined:
                return FailUndefined(container);
            case ValueKind.Failed:
                return container;
            case ValueKind.Dict:
                Charge(container.Length >> 3);
                var at = IsHashable(key) ? ValueOrder.IndexOf(container, key) : -1;
                if (at >= 0)
                {
                    return container.Items[at + 1];
                }

                break;
            case ValueKind.List or ValueKind.Tuple or ValueKind.Range when key.IsSmall:
                var length = container.Kind == ValueKind.Range ? RangeLength(container) : container.Length;
                var index = key.Bits < 0 ? key.Bits + length : key.Bits;
                return index < 0 || index >= length ? NoElement(container, key)
                    : container.Kind != ValueKind.Range ? container.Items[(int)index]
                    : Value.Int(container.Items[0].Bits + index * container.Items[2].Bits);
            case ValueKind.Text when key.IsSmall:
                return CharacterAt(container, key);
        }

        return key.Kind == ValueKind.Text ? AttributeByText(container, key) : NoElement(container, key);
    }

    private Value AttributeByText(in Value container, in Value key)
    {
        if (!_rules.IsPython)
        {
            return NoElement(container, key);
        }

        return TryAttribute(container, key, Methods.Find(key.Span), out var value) ? value : NoElement(container, key);
    }

    private static Value NoElement(in Value container, in Value key) =>
        key.Kind == ValueKind.Text ? Value.Undefined(key, Value.OfAttribute, container.Kind) : Value.Undefined([], Value.OfAttribute);

    private Value CharacterAt(in Value text, in Value key)
    {
        ChargeBytes(text.Length);
        var count = Utf8Text.Count(text.Span);
        var index = key.Bits < 0 ? key.Bits + count : key.Bits;
        if (index < 0 || index >= count)
        {
            return NoElement(text, key);
        }

        var at = count == text.Length ? (int)index : Utf8Text.Offset(text.Span, (int)index);
        return text.Slice(at, Utf8Text.RuneLength(text.Span[at]));
    }
}
