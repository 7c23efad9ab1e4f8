namespace Epp.Native.Templates;

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
    /// undefined value.
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
                var items = container.Kind == ValueKind.Range ? RangeItems(container) : container;
                var index = key.Bits < 0 ? key.Bits + items.Length : key.Bits;
                return index >= 0 && index < items.Length ? items.Items[(int)index] : NoElement(container, key);
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

    private Value SliceOf(in Value container, in Value first, in Value last, in Value step)
    {
        if (container.Kind is ValueKind.None or ValueKind.Undefined && !_rules.IsPython)
        {
            return Value.EmptyList;
        }

        if (container.IsUndefined)
        {
            return FailUndefined(container);
        }

        if (container.Kind is not (ValueKind.Text or ValueKind.List or ValueKind.Tuple or ValueKind.Range))
        {
            return TypeError($"'{TypeName(container)}' object is not subscriptable");
        }

        var stride = step.Kind == ValueKind.None ? 1 : step.Bits;
        if (!IsSliceIndex(first) || !IsSliceIndex(last) || !IsSliceIndex(step) || stride == 0)
        {
            return TypeError("slice indices must be integers or None, and the step not zero");
        }

        if (container.Kind == ValueKind.Text && stride == 1)
        {
            return SliceText(container, first, last);
        }

        if (container.Kind == ValueKind.Range)
        {
            return SliceRange(container, first, last, stride);
        }

        if (!TryIterate(container, out var items))
        {
            return Value.Failed;
        }

        var mark = _top;
        var start = SliceBound(first, items.Length, stride, isStart: true);
        var stop = SliceBound(last, items.Length, stride, isStart: false);
        for (var i = start; (stride > 0 ? i < stop : i > stop) && Charge(1); i += Math.Clamp(stride, -items.Length - 1, items.Length + 1))
        {
            Push(items.Items[(int)i]);
        }

        var list = PopList(mark, container.Kind == ValueKind.Tuple ? ValueKind.Tuple : ValueKind.List);
        return container.Kind == ValueKind.Text ? JoinAll(list) : list;
    }

    /// <summary>A slice of a range is a range.</summary>
    private Value SliceRange(in Value range, in Value first, in Value last, long stride)
    {
        var length = (int)RangeLength(range);
        stride = Math.Clamp(stride, -length - 1, length + 1);
        var (start, step) = (range.Items[0].Bits, range.Items[2].Bits);
        var from = SliceBound(first, length, stride, isStart: true);
        var to = SliceBound(last, length, stride, isStart: false);
        return NewList([Value.Int(start + from * step), Value.Int(start + to * step), Value.Int(step * stride)]).As(ValueKind.Range);
    }

    private Value JoinAll(in Value list)
    {
        var mark = _out.Length;
        foreach (ref readonly var item in list.Items)
        {
            _out.Write(item.Span);
        }

        return Cut(mark);
    }

    private static bool IsSliceIndex(in Value index) => index.IsSmall || index.Kind is ValueKind.None or ValueKind.Big;

    private static Value SliceText(in Value text, in Value first, in Value last)
    {
        var count = Utf8Text.Count(text.Span);
        var start = SliceBound(first, count, 1, isStart: true);
        var stop = SliceBound(last, count, 1, isStart: false);
        if (stop <= start)
        {
            return Value.EmptyText;
        }

        if (count == text.Length)
        {
            return text.Slice((int)start, (int)(stop - start));
        }

        var from = Utf8Text.Offset(text.Span, (int)start);
        return text.Slice(from, Utf8Text.Offset(text.Span[from..], (int)(stop - start)));
    }

    /// <summary>Python's rules for the ends of a slice.</summary>
    private static long SliceBound(in Value bound, int length, long step, bool isStart)
    {
        if (bound.Kind == ValueKind.None)
        {
            return step > 0 ? (isStart ? 0 : length) : (isStart ? length - 1 : -1);
        }

        var value = bound.Kind == ValueKind.Big ? (bound.Integer.Sign < 0 ? long.MinValue / 2 : long.MaxValue / 2) : bound.Bits;
        value = value < 0 ? Math.Max(value, long.MinValue / 2) + length : value;
        return step > 0 ? Math.Clamp(value, 0, length) : Math.Clamp(value, -1, length - 1);
    }
}
