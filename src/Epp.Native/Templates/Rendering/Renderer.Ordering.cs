using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Filters that compare: sort, unique, min, max, groupby, sum.</summary>
internal sealed partial class Renderer
{
    private int[] _order = new int[64];
    private int[] _merged = new int[64];
    private bool _sortsLists;

    private Value OrderFilter(FilterId filter, in Value value, Arguments arguments)
    {
        switch (filter)
        {
            case FilterId.Sort:
                return Bind(arguments, "reverse,case_sensitive,attribute"u8, 0, out var sort)
                    ? Sort(value, sort[0], sort[1], sort[2])
                    : Value.Failed;
            case FilterId.DictSort:
                return Bind(arguments, "case_sensitive,by,reverse"u8, 0, out var dict)
                    ? DictSort(value, dict[0], dict[1], dict[2])
                    : Value.Failed;
            case FilterId.Unique:
                return Bind(arguments, "case_sensitive,attribute"u8, 0, out var unique)
                    ? Unique(value, IsTrue(unique[0]), unique[1])
                    : Value.Failed;
            case FilterId.GroupBy:
                return Bind(arguments, "attribute,default,case_sensitive"u8, 1, out var group)
                    ? GroupBy(value, group[0], group[1], IsTrue(group[2]))
                    : Value.Failed;
            case FilterId.Sum:
                return Bind(arguments, _rules.IsPython ? "attribute,start"u8 : default, 0, out var sum)
                    ? Sum(value, sum[0], sum[1])
                    : Value.Failed;
            default:
                return Bind(arguments, _rules.IsPython ? "case_sensitive,attribute"u8 : default, 0, out var bound)
                    ? MinOrMax(value, filter == FilterId.Max, IsTrue(bound[0]), bound[1])
                    : Value.Failed;
        }
    }

    /// <summary>The key an item is compared by.</summary>
    private Value KeyOf(in Value item, in Value attribute, in Value fallback, bool caseSensitive)
    {
        var key = AttributePath(item, attribute, fallback);
        return caseSensitive || key.Kind != ValueKind.Text ? key : CaseOrClass(key, MethodId.Lower);
    }

    private Value KeysOf(in Value items, in Value attribute, in Value fallback, bool caseSensitive)
    {
        var mark = _top;
        for (var i = 0; i < items.Length && Charge(1); i++)
        {
            Push(KeyOf(items.Items[i], attribute, fallback, caseSensitive));
        }

        return PopList(mark);
    }

    private Value Sort(in Value value, in Value reverse, in Value caseSensitive, in Value attribute)
    {
        if (!TryIterate(value, out var items))
        {
            return Value.Failed;
        }

        var keys = attribute.Kind == ValueKind.Text && attribute.Span.IndexOf((byte)',') >= 0
            ? ManyKeys(items, attribute, IsTrue(caseSensitive))
            : KeysOf(items, attribute, default, IsTrue(caseSensitive));
        return SortBy(items, keys, IsTrue(reverse), asLists: true);
    }

    /// <summary>Several attributes between commas: the key is their list.</summary>
    private Value ManyKeys(in Value items, in Value attributes, bool caseSensitive)
    {
        var outer = _top;
        for (var i = 0; i < items.Length && Charge(1); i++)
        {
            var mark = _top;
            for (var start = 0; start <= attributes.Length;)
            {
                var comma = attributes.Span[start..].IndexOf((byte)',');
                var end = comma < 0 ? attributes.Length : start + comma;
                Push(KeyOf(items.Items[i], attributes.Slice(start, end - start), default, caseSensitive));
                start = end + 1;
            }

            Push(PopList(mark));
        }

        return PopList(outer);
    }

    /// <summary>
    /// Stable merge sort by keys; fails where two keys have no order. <paramref name="asLists"/>: keys are elements of lists to Python,
    /// which asks for equality first, so that equal keys need no order.
    /// </summary>
    private Value SortBy(in Value items, in Value keys, bool reverse, bool asLists = false)
    {
        _sortsLists = asLists;
        var count = Math.Min(items.Length, keys.Length);
        if (_order.Length < count)
        {
            _order = new int[count * 2];
            _merged = new int[count * 2];
        }

        for (var i = 0; i < count; i++)
        {
            _order[i] = i;
        }

        for (var width = 1; width < count && !HasFailed; width *= 2)
        {
            for (var start = 0; start < count; start += width * 2)
            {
                Merge(keys, start, Math.Min(start + width, count), Math.Min(start + width * 2, count), reverse);
            }

            (_order, _merged) = (_merged, _order);
        }

        var mark = _top;
        for (var i = 0; i < count; i++)
        {
            Push(items.Items[_order[i]]);
        }

        return PopList(mark);
    }

    private void Merge(in Value keys, int start, int middle, int end, bool reverse)
    {
        var (left, right) = (start, middle);
        for (var to = start; to < end; to++)
        {
            // Of equal keys the left one stays first, in reverse order too.
            var takesRight = left == middle || (right < end && Charge(1) && (reverse
                ? IsLess(keys.Items[_order[left]], keys.Items[_order[right]])
                : IsLess(keys.Items[_order[right]], keys.Items[_order[left]])));
            _merged[to] = takesRight && right < end ? _order[right++] : _order[left++];
        }
    }

    private bool IsLess(in Value left, in Value right) =>
        !(_sortsLists && IsEqual(left, right)) && Compare(Comparator.Less, left, right);

    private Value DictSort(in Value value, in Value caseSensitive, in Value by, in Value reverse)
    {
        if (value.Kind != ValueKind.Dict || !(by.IsMissing || by.Is("key"u8) || by.Is("value"u8)))
        {
            return TypeError("dictsort sorts a dict by 'key' or 'value'");
        }

        var pairs = PairsOf(value);
        var keys = KeysOf(KeysOf(value, by.Is("value"u8) ? 1 : 0), default, default, IsTrue(caseSensitive));
        return SortBy(pairs, keys, IsTrue(reverse));
    }

    private Value Unique(in Value value, bool caseSensitive, in Value attribute)
    {
        if (!TryIterate(value, out var items))
        {
            return Value.Failed;
        }

        var keys = KeysOf(items, attribute, default, caseSensitive);
        var mark = _top;
        for (var i = 0; i < keys.Length && Charge(1 + (i >> 2)); i++)
        {
            if (!IsHashable(keys.Items[i]))
            {
                return TypeError("unhashable type");
            }

            var isFirst = true;
            for (var j = 0; j < i && isFirst; j++)
            {
                isFirst = !ValueOrder.KeysEqual(keys.Items[i], keys.Items[j]);
            }

            if (isFirst)
            {
                Push(items.Items[i]);
            }
        }

        return NewIterator(PopList(mark), "generator object do_unique");
    }

    private Value MinOrMax(in Value value, bool max, bool caseSensitive, in Value attribute)
    {
        if (!TryIterate(value, out var items))
        {
            return Value.Failed;
        }

        if (items.Length == 0)
        {
            return Value.Undefined(NoFirst, Value.Hint);
        }

        var best = 0;
        var bestKey = KeyOf(items.Items[0], attribute, default, caseSensitive);
        for (var i = 1; i < items.Length && Charge(1); i++)
        {
            var key = KeyOf(items.Items[i], attribute, default, caseSensitive);
            if (Compare(max ? Comparator.Greater : Comparator.Less, key, bestKey))
            {
                (best, bestKey) = (i, key);
            }
        }

        return items.Items[best];
    }

    private Value GroupBy(in Value value, in Value attribute, in Value fallback, bool caseSensitive)
    {
        if (!TryIterate(value, out var items))
        {
            return Value.Failed;
        }

        var sorted = SortBy(items, KeysOf(items, attribute, fallback, caseSensitive), reverse: false);
        var keys = KeysOf(sorted, attribute, fallback, caseSensitive);
        var outer = _top;
        for (var i = 0; i < sorted.Length && !HasFailed;)
        {
            var end = i + 1;
            while (end < sorted.Length && IsEqual(keys.Items[end], keys.Items[i]))
            {
                end++;
            }

            var key = caseSensitive ? keys.Items[i] : AttributePath(sorted.Items[i], attribute, fallback);
            Push(NewList([key, NewList(sorted.Items[i..end])], TupleKind).As(TupleKind, _rules.IsPython ? Value.Group : (byte)0));
            i = end;
        }

        return PopList(outer);
    }

    private Value Sum(in Value value, in Value attribute, in Value start)
    {
        if (start.Kind == ValueKind.Text)
        {
            return TypeError("sum() can't sum strings [use ''.join(seq) instead]");
        }

        if (!TryIterate(value, out var items))
        {
            return Value.Failed;
        }

        var sum = start.IsMissing ? Value.Int(0) : start;
        for (var i = 0; i < items.Length && Charge(1); i++)
        {
            sum = Add(sum, AttributePath(items.Items[i], attribute, default));
        }

        return sum;
    }
}
