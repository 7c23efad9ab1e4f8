using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Filters that pick from lists: map, select, join, batch, attr.</summary>
internal sealed partial class Renderer
{
    /// <summary>Looks an attribute up: names between dots, digits as indices.</summary>
    private Value AttributePath(Value item, in Value path, in Value fallback)
    {
        if (path.Kind is ValueKind.None or ValueKind.Missing)
        {
            return item;
        }

        if (path.Kind != ValueKind.Text)
        {
            return GetElementOr(item, path, fallback);
        }

        for (var start = 0; start <= path.Length && Charge(1);)
        {
            var dot = path.Span[start..].IndexOf((byte)'.');
            var part = path.Slice(start, dot < 0 ? path.Length - start : dot);
            item = GetElementOr(item, IndexIn(part), fallback);
            start = dot < 0 ? path.Length + 1 : start + dot + 1;
        }

        return item;
    }

    private static Value IndexIn(in Value part)
    {
        long index = 0;
        foreach (var c in part.Span)
        {
            if (c is < (byte)'0' or > (byte)'9' || index > int.MaxValue)
            {
                return part;
            }

            index = index * 10 + c - '0';
        }

        return part.Length == 0 ? part : Value.Int(index);
    }

    private Value GetElementOr(in Value item, in Value key, in Value fallback)
    {
        if (item.IsUndefined && !_rules.IsPython)
        {
            return item;
        }

        var value = GetElement(item, key);
        return value.IsUndefined && fallback.Kind is not (ValueKind.Missing or ValueKind.None) ? fallback : value;
    }

    private Value JoinFilter(in Value value, Arguments arguments)
    {
        if (!Bind(arguments, _rules.IsPython ? "d,attribute"u8 : "d"u8, 0, out var bound) || !TryIterate(value, out var items))
        {
            return Value.Failed;
        }

        if (!bound[1].IsMissing && bound[1].Kind != ValueKind.None)
        {
            var mark = _top;
            foreach (ref readonly var item in items.Items)
            {
                Push(AttributePath(item, bound[1], default));
            }

            items = PopList(mark);
        }

        return JoinText(bound[0].IsMissing ? Value.EmptyText : ToText(bound[0]), items, strict: false);
    }

    private Value Map(in Value value, Arguments arguments)
    {
        var attribute = FindNamed(arguments, "attribute"u8);
        var fallback = FindNamed(arguments, "default"u8);
        var byName = arguments.Count > 0;
        if (!byName && (attribute.IsMissing || arguments.NamedCount > (fallback.IsMissing ? 1 : 2)))
        {
            return TypeError("map requires a filter argument");
        }

        var filter = FilterId.None;
        if (byName)
        {
            var name = _stack[arguments.Start];
            filter = name.IsText ? Filters.Find(name.Span, _rules) : FilterId.None;
        }

        if (!IsTrue(value) && value.Kind != ValueKind.Iterator)
        {
            return NewIterator(Value.EmptyList, "generator object sync_do_map");
        }

        if (!TryIterate(value, out var items))
        {
            return Value.Failed;
        }

        var mark = _top;
        var rest = new Arguments(arguments.Start + 1, arguments.Count - 1, arguments.NamedCount);
        for (var i = 0; i < items.Length && Charge(1); i++)
        {
            Push(byName ? ApplyFilter(filter, items.Items[i], rest) : AttributePath(items.Items[i], attribute, fallback));
        }

        return NewIterator(PopList(mark), "generator object sync_do_map");
    }

    private Value FindNamed(Arguments arguments, ReadOnlySpan<byte> name)
    {
        for (var i = arguments.NamedStart; i < arguments.End; i += 2)
        {
            if (_stack[i].Is(name))
            {
                return _stack[i + 1];
            }
        }

        return default;
    }

    private Value Select(FilterId filter, in Value value, Arguments arguments)
    {
        var byAttribute = filter is FilterId.SelectAttr or FilterId.RejectAttr;
        var keeps = filter is FilterId.Select or FilterId.SelectAttr;
        if (!IsTrue(value) && value.Kind != ValueKind.Iterator)
        {
            return NewIterator(Value.EmptyList, "generator object sync_do_select");
        }

        if (byAttribute && arguments.Count == 0)
        {
            return TypeError("Missing parameter for attribute name");
        }

        if (!TryIterate(value, out var items))
        {
            return Value.Failed;
        }

        var skip = byAttribute ? 1 : 0;
        var hasTest = arguments.Count > skip;
        var name = hasTest ? _stack[arguments.Start + skip] : default;
        var test = name.IsText ? Tests.Find(name.Span, _rules) : TestId.None;
        var rest = new Arguments(arguments.Start + skip + 1, arguments.Count - skip - 1, arguments.NamedCount);
        var mark = _top;
        for (var i = 0; i < items.Length && Charge(1); i++)
        {
            var item = items.Items[i];
            var subject = byAttribute ? AttributePath(item, _stack[arguments.Start], default) : item;
            if ((hasTest ? ApplyTest(test, subject, rest) : IsTrue(subject)) == keeps)
            {
                Push(item);
            }
        }

        return NewIterator(PopList(mark), "generator object sync_do_select");
    }

    private Value AttributeFilter(in Value value, Arguments arguments)
    {
        if (!Bind(arguments, "name"u8, 1, out var bound) || bound[0].Kind != ValueKind.Text)
        {
            return TypeError("attr needs a name");
        }

        if (!_rules.IsPython)
        {
            return value.IsUndefined ? FailUndefined(value) : GetElement(value, bound[0]);
        }

        if (value.IsUndefined)
        {
            return FailUndefined(value);
        }

        return TryAttribute(value, bound[0], Methods.Find(bound[0].Span), out var attribute) ? attribute : NoElement(value, bound[0]);
    }

    private Value Chunks(FilterId filter, in Value value, Arguments arguments)
    {
        if (!Bind(arguments, "count,fill_with"u8, 1, out var bound) || !TryIterate(value, out var items))
        {
            return Value.Failed;
        }

        if (!bound[0].IsSmall || (filter == FilterId.Slice && bound[0].Bits == 0) || bound[0].Bits > int.MaxValue)
        {
            return TypeError("batch and slice need a count");
        }

        var fill = bound[1].Kind == ValueKind.None ? default : bound[1];
        var chunks = filter == FilterId.Batch ? Batch(items, (int)bound[0].Bits, fill) : SliceChunks(items, bound[0].Bits, fill);
        return NewIterator(chunks, filter == FilterId.Batch ? "generator object do_batch" : "generator object sync_do_slice");
    }

    private Value Batch(in Value items, int size, in Value fill)
    {
        var outer = _top;
        if (size == 0 && items.Length > 0)
        {
            // Python compares the length with the size before it appends: zero gives an empty batch, and then no batch ever ends.
            Push(Value.EmptyList);
        }

        for (var at = 0; at < items.Length && Charge(1);)
        {
            var take = size < 1 ? items.Length : Math.Min(size, items.Length - at);
            var mark = _top;
            PushAll(items.Items.Slice(at, take));
            for (var missing = size - take; missing > 0 && !fill.IsMissing && Charge(1); missing--)
            {
                Push(fill);
            }

            at += take;
            Push(PopList(mark));
        }

        return PopList(outer);
    }

    private Value SliceChunks(in Value items, long slices, in Value fill)
    {
        var outer = _top;
        var perSlice = Math.DivRem(items.Length, slices, out var extra);
        long at = 0;
        for (long i = 0; i < slices && Charge(1); i++)
        {
            var take = (int)(perSlice + (i < extra ? 1 : 0));
            var mark = _top;
            PushAll(items.Items.Slice((int)at, take));
            at += take;
            if (!fill.IsMissing && i >= extra)
            {
                Push(fill);
            }

            Push(PopList(mark));
        }

        return PopList(outer);
    }
}
