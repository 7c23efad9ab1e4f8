using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>Slices.</summary>
internal sealed partial class Renderer
{
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
            ChargeBytes(container.Length);
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
