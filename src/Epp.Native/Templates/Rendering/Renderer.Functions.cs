using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>Global functions.</summary>
internal sealed partial class Renderer
{
    private Value CallFunction(FunctionId function, Arguments arguments)
    {
        switch (function)
        {
            case FunctionId.Range:
                return CallRange(arguments);
            case FunctionId.Dict:
                return CallDict(arguments);
            case FunctionId.Namespace:
                return CallNamespace(arguments);
            case FunctionId.RaiseException:
                if (Bind(arguments, "message"u8, 1, out var message))
                {
                    var mark = _out.Length;
                    Print(message[0]);
                    var text = Cut(mark);
                    Fail(TemplateErrorKind.RaiseException, Explains ? System.Text.Encoding.UTF8.GetString(text.Span) : "");
                }

                return Value.Failed;
            case FunctionId.StrftimeNow:
                return CallStrftime(arguments);
            case FunctionId.Cycler or FunctionId.Joiner:
                return CallCyclerOrJoiner(function, arguments);
            default:
                return TypeError("this function is not supported");
        }
    }

    private Value CallStrftime(Arguments arguments)
    {
        if (!Bind(arguments, "format"u8, 1, out var bound) || bound[0].Kind != ValueKind.Text)
        {
            return TypeError("strftime_now needs a format");
        }

        var mark = _out.Length;
        Strftime.Write(_out, bound[0].Span, _now);
        return Cut(mark);
    }

    private Value CallRange(Arguments arguments)
    {
        Span<long> ends = [0, 0, 1];
        if (arguments.Count is < 1 or > 3 || arguments.NamedCount > 0)
        {
            return TypeError("range expects 1 to 3 arguments");
        }

        for (var i = 0; i < arguments.Count; i++)
        {
            var value = _stack[arguments.Start + i];
            if (!value.IsSmall)
            {
                return value.IsUndefined ? FailUndefined(value) : TypeError("range needs integers");
            }

            ends[arguments.Count == 1 ? 1 : i] = value.Bits;
        }

        if (ends[2] == 0)
        {
            return TypeError("range() arg 3 must not be zero");
        }

        var range = NewList([Value.Int(ends[0]), Value.Int(ends[1]), Value.Int(ends[2])]).As(ValueKind.Range);
        if (range.Length == 0 || RangeLength(range) > MaxRange)
        {
            return TypeError($"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({MaxRange}).");
        }

        return _rules.IsPython ? range : RangeItems(range);
    }

    private Value CallDict(Arguments arguments)
    {
        var mark = _top;
        if (arguments.Count > 1 || (arguments.Count == 1 && !TryPushPairs(_stack[arguments.Start])))
        {
            return TypeError("dict expects at most 1 argument, a mapping or pairs");
        }

        for (var i = arguments.NamedStart; i < arguments.End; i++)
        {
            Push(_stack[i]);
        }

        // Many keys are sorted to find equal ones.
        Charge((_top - mark) * 2);
        var dict = _dicts.Build(_stack.AsSpan(mark, _top - mark));
        _top = mark;
        return dict;
    }

    private bool TryPushPairs(in Value source)
    {
        if (source.Kind == ValueKind.Dict)
        {
            PushAll(source.Items);
            return true;
        }

        // Python asks it for its keys first.
        if (source.IsUndefined && _rules.IsPython)
        {
            FailUndefined(source);
            return false;
        }

        if (!TryIterate(source, out var pairs))
        {
            return false;
        }

        foreach (ref readonly var pair in pairs.Items)
        {
            if (!TryIterate(pair, out var items) || items.Length != 2 || !IsHashable(items.Items[0]))
            {
                return false;
            }

            PushAll(items.Items);
        }

        return true;
    }

    private Value CallNamespace(Arguments arguments)
    {
        var dict = CallDict(arguments);
        if (dict.Kind != ValueKind.Dict)
        {
            return Value.Failed;
        }

        Charge(4);
        var state = TakeState();
        foreach (ref readonly var item in dict.Items)
        {
            PushState(state, item);
        }

        return new Value(ValueKind.Namespace, state, 0);
    }

    private Value CallCyclerOrJoiner(FunctionId function, Arguments arguments)
    {
        var isCycler = function == FunctionId.Cycler;
        var state = TakeState();
        if (!isCycler)
        {
            if (!Bind(arguments, "sep"u8, 0, out var bound))
            {
                return Value.Failed;
            }

            PushState(state, bound[0].IsMissing ? CommaBlank : bound[0]);
            return new Value(ValueKind.Joiner, state, 0);
        }

        for (var i = 0; i < arguments.Count; i++)
        {
            PushState(state, _stack[arguments.Start + i]);
        }

        return arguments.Count == 0 || arguments.NamedCount > 0
            ? TypeError("at least one item has to be provided")
            : new Value(ValueKind.Cycler, state, 0);
    }

    private static readonly Value CommaBlank = Value.Text(", "u8.ToArray());
}
