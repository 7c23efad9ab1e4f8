using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

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
            Charge(spread.Length);
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

            Charge(dict.Kind == ValueKind.Dict ? dict.Length : 0);
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
}
