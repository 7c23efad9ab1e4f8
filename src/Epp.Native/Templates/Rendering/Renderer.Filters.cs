using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>Filters: which method does what.</summary>
internal sealed partial class Renderer
{
    /// <summary>Applies a filter and those inside it; the innermost takes <paramref name="input"/> where it has no operand.</summary>
    private Value ApplyFilters(Node node, in Value input)
    {
        var value = node.A is null ? input
            : node.A.Kind == NodeKind.Filter ? ApplyFilters(node.A, input)
            : Eval(node.A);
        var mark = _top;
        var arguments = EvalArguments(node.Call!);
        _line = node.Line;
        var result = ApplyFilter((FilterId)node.Id, value, arguments);
        _top = mark;
        return result;
    }

    private Value ApplyFilter(FilterId filter, in Value value, Arguments arguments)
    {
        ChargeBytes(value.IsText ? value.Length : 0);
        switch (filter)
        {
            case FilterId.ToJson:
                return ToJson(value, arguments);
            case FilterId.Default:
                return Default(value, arguments);
            case FilterId.Length:
                return Bind(arguments, default, 0, out _) ? LengthOf(value) : Value.Failed;
            case FilterId.Trim:
                return Bind(arguments, "chars"u8, 0, out var trim) ? StripText(ToText(value), trim[0], true, true) : Value.Failed;
            case FilterId.Join:
                return JoinFilter(value, arguments);
            case FilterId.Map:
                return Map(value, arguments);
            case FilterId.Select or FilterId.Reject or FilterId.SelectAttr or FilterId.RejectAttr:
                return Select(filter, value, arguments);
            case FilterId.Replace:
                return Bind(arguments, "old,new,count"u8, 2, out var replace)
                    ? Replace(ToText(value).As(ValueKind.Text), ToText(replace[0]), ToText(replace[1]),
                        replace[2].Kind == ValueKind.None ? default : replace[2])
                    : Value.Failed;
            case FilterId.Int or FilterId.Float or FilterId.Abs or FilterId.Round or FilterId.Bool:
                return NumberFilter(filter, value, arguments);
            case FilterId.Sort or FilterId.DictSort or FilterId.Unique or FilterId.Min or FilterId.Max or FilterId.GroupBy or FilterId.Sum:
                return OrderFilter(filter, value, arguments);
            case FilterId.Batch or FilterId.Slice:
                return Chunks(filter, value, arguments);
            case FilterId.Format:
                return FormatFilter(value, arguments);
            case FilterId.Attr:
                return AttributeFilter(value, arguments);
            case FilterId.Indent or FilterId.Center or FilterId.Truncate or FilterId.WordWrap or FilterId.Split:
                return LayoutFilter(filter, value, arguments);
            case FilterId.XmlAttr:
                return XmlAttributes(value, arguments);
            case FilterId.FileSizeFormat:
                return FileSize(value, arguments);
            case FilterId.None:
                return TypeError("this filter is unknown or not supported");
            default:
                return Bind(arguments, default, 0, out _) ? PlainFilter(filter, value) : Value.Failed;
        }
    }

    /// <summary>Filters without arguments.</summary>
    private Value PlainFilter(FilterId filter, in Value value)
    {
        switch (filter)
        {
            case FilterId.Upper:
                return ChangeCase(ToText(value), MethodId.Upper);
            case FilterId.Lower:
                return ChangeCase(ToText(value), MethodId.Lower);
            case FilterId.Capitalize:
                return ChangeCase(ToText(value), MethodId.Capitalize);
            case FilterId.Title:
                return TitleFilter(ToText(value));
            case FilterId.String:
                return value.Kind == ValueKind.Text ? value : ToText(value);
            case FilterId.List:
                return TryIterate(value, out var items) ? items.As(ValueKind.List) : Value.Failed;
            case FilterId.First or FilterId.Last:
                return FirstOrLast(value, filter == FilterId.First);
            case FilterId.Reverse:
                return ReverseFilter(value);
            case FilterId.Items:
                return ItemsFilter(value);
            case FilterId.Safe:
                return ToText(value).As(ValueKind.Text, Value.Markup);
            case FilterId.Escape or FilterId.ForceEscape:
                return Escape(ToText(value), filter == FilterId.ForceEscape);
            case FilterId.UrlEncode:
                return UrlEncode(value);
            case FilterId.WordCount:
                return CountWords(ToText(value));
            case FilterId.StripTags:
                return StripTags(ToText(value));
            case FilterId.PPrint:
                return PrettyPrint(value);
            case FilterId.Urlize:
                return Urlize(ToText(value));
            case FilterId.Lines:
                return value.IsText ? SplitLines(value, keepsEnds: false) : TypeError("lines needs a string");
            default:
                return TypeError("this filter is not supported");
        }
    }

    private Value ChangeCase(in Value text, MethodId method) =>
        CaseOrClass(text, method).As(ValueKind.Text, _rules.IsPython ? text.Flag : (byte)0);

    private Value Default(in Value value, Arguments arguments)
    {
        if (!Bind(arguments, "default_value,boolean"u8, 0, out var bound))
        {
            return Value.Failed;
        }

        var isDue = value.IsUndefined || (IsTrue(bound[1]) && !IsTrue(value));
        return !isDue ? value : bound[0].IsMissing ? Value.EmptyText : bound[0];
    }

    private Value LengthOf(in Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Text:
                return Value.Int(Utf8Text.Count(value.Span));
            case ValueKind.List or ValueKind.Tuple or ValueKind.View or ValueKind.Dict or ValueKind.Bytes:
                return Value.Int(value.Length);
            case ValueKind.Range:
                return Value.Int(RangeLength(value));
            case ValueKind.Loop when _rules.IsPython:
                return Value.Int(((LoopState)value.Ref!).Items.Length);
            case ValueKind.Undefined:
                return Value.Int(0);
            default:
                return _rules.IsPython ? TypeError($"object of type '{TypeName(value)}' has no len()") : Value.Int(0);
        }
    }

    /// <summary>What Python returns as a generator, which can be walked once; minijinja has lists.</summary>
    private Value NewIterator(in Value items, string name)
    {
        if (!_rules.IsPython)
        {
            return items;
        }

        if (_iteratorsUsed == _iterators.Length)
        {
            Array.Resize(ref _iterators, _iteratorsUsed * 2);
        }

        Charge(4);
        var state = _iterators[_iteratorsUsed++] ??= new IteratorState();
        state.Items = items;
        state.Position = 0;
        state.Name = name;
        return new Value(ValueKind.Iterator, state, 0);
    }

    private IteratorState[] _iterators = new IteratorState[4];
    private int _iteratorsUsed;

    private Value FirstOrLast(in Value value, bool first)
    {
        if (!first && value.Kind is ValueKind.Iterator)
        {
            return TypeError("'generator' object is not reversible");
        }

        if (value.Kind == ValueKind.Iterator)
        {
            var state = (IteratorState)value.Ref!;
            if (state.Items.Kind == ValueKind.Failed)
            {
                return TypeError(NoMapping);
            }

            return state.Position < state.Items.Length ? state.Items.Items[state.Position++] : Value.Undefined(NoFirst, Value.Hint);
        }

        if (value.Kind == ValueKind.Text && value.Length > 0)
        {
            var at = first ? 0 : Utf8Text.LastStart(value.Span);
            return value.Slice(at, Utf8Text.RuneLength(value.Span[at])).As(ValueKind.Text);
        }

        if (value.IsUndefined && !first)
        {
            return Value.Undefined(NoFirst, Value.Hint);
        }

        if (!TryIterate(value, out var items))
        {
            return Value.Failed;
        }

        return items.Length == 0 ? Value.Undefined(NoFirst, Value.Hint) : items.Items[first ? 0 : items.Length - 1];
    }

    private static readonly byte[] NoFirst = "No first or last item, sequence was empty."u8.ToArray();

    private Value ReverseFilter(in Value value)
    {
        if (!TryIterate(value, out var items))
        {
            return Value.Failed;
        }

        var mark = _top;
        PushAll(items.Items);
        var reversed = PopParts(mark, reversed: true);
        return value.Kind switch
        {
            ValueKind.Text => JoinAll(reversed),
            ValueKind.Iterator or ValueKind.Undefined => reversed,
            ValueKind.List => NewIterator(reversed, "list_reverseiterator"),
            ValueKind.Dict => NewIterator(reversed, "dict_reversekeyiterator"),
            ValueKind.Range => NewIterator(reversed, "range_iterator"),
            _ => NewIterator(reversed, "reversed"),
        };
    }

    private Value ItemsFilter(in Value value)
    {
        if (value.IsUndefined && _rules.IsPython)
        {
            return NewIterator(Value.EmptyList, "generator object do_items");
        }

        return value.Kind == ValueKind.Dict
            ? NewIterator(PairsOf(value), "generator object do_items")
            : _rules.IsPython ? NewIterator(Value.Failed, "generator object do_items") : TypeError(NoMapping);
    }

    // Python's generator looks at its value when it is walked, not when it is made.
    private const string NoMapping = "Can only get item pairs from a mapping.";
}
