namespace Epp.Native.Templates;

/// <summary>Calls: arguments, global functions, macros.</summary>
internal sealed partial class Renderer
{
    /// <summary>jinja2's sandbox refuses longer ranges, and so does minijinja.</summary>
    private const int MaxRange = 100_000;

    private Value EvalCall(Node node)
    {
        var mark = _top;
        var callee = node.A!;
        Value result;
        if (callee.Kind == NodeKind.Attribute)
        {
            // A method needs no bound value in between.
            var receiver = Eval(callee.A!);
            result = CallAttribute(receiver, callee, EvalArguments(node.Call!));
        }
        else
        {
            var function = Eval(callee);
            result = Call(function, EvalArguments(node.Call!));
        }

        _top = mark;
        return result;
    }

    private Value CallAttribute(in Value receiver, Node callee, Arguments arguments)
    {
        var method = (MethodId)callee.Id;
        if (receiver.IsUndefined)
        {
            return FailUndefined(receiver);
        }

        if (method != MethodId.None)
        {
            if (_rules.IsPython)
            {
                if (Methods.Has(receiver.Kind, method)
                    && !(Methods.IsForbidden(method) && receiver.Kind is ValueKind.List or ValueKind.Dict))
                {
                    return CallMethod(receiver, method, arguments);
                }
            }
            else if (Methods.HasInRust(receiver.Kind, method)
                && !(receiver.Kind == ValueKind.Dict && _rules.ItemsKeyHidesMethod
                    && ValueOrder.IndexOf(receiver, callee.Constant.Span) >= 0))
            {
                return CallMethod(receiver, method, arguments);
            }
        }

        return Call(GetAttribute(receiver, callee), arguments);
    }

    private Value Call(in Value function, Arguments arguments)
    {
        switch (function.Kind)
        {
            case ValueKind.Macro:
                return CallMacro((MacroState)function.Ref!, arguments);
            case ValueKind.Function:
                return CallFunction((FunctionId)function.Bits, arguments);
            case ValueKind.Method:
                return CallMethod(((Value[])function.Ref!)[function.Start], (MethodId)function.Length, arguments);
            case ValueKind.Loop:
                return CallLoop((LoopState)function.Ref!, arguments);
            case ValueKind.Joiner:
                var joiner = (MutableState)function.Ref!;
                return joiner.Position++ == 0 ? Value.EmptyText : joiner.Values[0];
            case ValueKind.Undefined:
                return FailUndefined(function);
            default:
                return TypeError($"'{TypeName(function)}' object is not callable");
        }
    }

    private Arguments EvalArguments(CallArguments call)
    {
        var start = _top;
        foreach (var item in call.Positional)
        {
            Push(Eval(item));
        }

        if (call.Star is { } star && TryIterate(Eval(star), out var spread))
        {
            PushAll(spread.Items);
        }

        var count = _top - start;
        for (var i = 0; i < call.Named.Length; i++)
        {
            Push(call.Names[i]);
            Push(Eval(call.Named[i]));
        }

        if (call.DoubleStar is { } doubleStar)
        {
            var dict = Eval(doubleStar);
            if (dict.Kind != ValueKind.Dict)
            {
                TypeError("argument after ** must be a mapping");
            }

            PushAll(dict.Kind == ValueKind.Dict ? dict.Items : default);
        }

        return new Arguments(start, count, (_top - start - count) / 2);
    }

    /// <summary>
    /// Sorts arguments by parameters, named in <paramref name="names"/> with commas; the first <paramref name="required"/> must be given.
    /// </summary>
    private bool Bind(Arguments arguments, ReadOnlySpan<byte> names, int required, out BoundArguments bound)
    {
        bound = default;
        var count = names.IsEmpty ? 0 : names.Count((byte)',') + 1;
        if (arguments.Count > count)
        {
            TypeError($"takes at most {count} arguments, {arguments.Count} given");
            return false;
        }

        for (var i = 0; i < arguments.Count; i++)
        {
            bound[i] = _stack[arguments.Start + i];
        }

        for (var i = 0; i < arguments.NamedCount; i++)
        {
            var index = IndexOfName(names, _stack[arguments.NamedStart + i * 2].Span);
            if (index < 0 || !bound[index].IsMissing)
            {
                TypeError("unexpected or repeated keyword argument");
                return false;
            }

            bound[index] = _stack[arguments.NamedStart + i * 2 + 1];
        }

        for (var i = 0; i < required; i++)
        {
            if (bound[i].IsMissing)
            {
                TypeError("missing a required argument");
                return false;
            }
        }

        return true;
    }

    private static int IndexOfName(ReadOnlySpan<byte> names, ReadOnlySpan<byte> name)
    {
        for (var index = 0; ; index++)
        {
            var comma = names.IndexOf((byte)',');
            var candidate = comma < 0 ? names : names[..comma];
            if (candidate.SequenceEqual(name))
            {
                return index;
            }

            if (comma < 0)
            {
                return -1;
            }

            names = names[(comma + 1)..];
        }
    }

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
                    Fail(TemplateErrorKind.RaiseException, System.Text.Encoding.UTF8.GetString(text.Span));
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
