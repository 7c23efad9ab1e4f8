using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Macros, call blocks, recursive loops, and the objects that can change.</summary>
internal sealed partial class Renderer
{
    /// <summary>Steps that an object costs which stays until the end of the rendering; it takes about 200 bytes.</summary>
    private const int ObjectSteps = 100;

    private MutableState[] _states = new MutableState[4];
    private int _statesUsed;
    private MacroState[] _macros = new MacroState[4];
    private int _macrosUsed;

    private MutableState TakeState()
    {
        Charge(ObjectSteps);
        if (_statesUsed == _states.Length)
        {
            Array.Resize(ref _states, _statesUsed * 2);
        }

        var state = _states[_statesUsed++] ??= new MutableState();
        state.Count = 0;
        state.Position = 0;
        return state;
    }

    private static void PushState(MutableState state, in Value value)
    {
        if (state.Count == state.Values.Length)
        {
            var grown = new Value[Math.Max(8, state.Count * 2)];
            state.Values.AsSpan(0, state.Count).CopyTo(grown);
            state.Values = grown;
        }

        state.Values[state.Count++] = value;
    }

    private Value NewMacro(Node node)
    {
        Charge(ObjectSteps);
        for (var scope = _scope; scope is not null && !scope.IsCaptured; scope = scope.Parent)
        {
            // The root and what is already captured stays anyway.
            scope.IsCaptured = scope.Parent is not null;
        }

        if (_macrosUsed == _macros.Length)
        {
            Array.Resize(ref _macros, _macrosUsed * 2);
        }

        var macro = _macros[_macrosUsed++] ??= new MacroState();
        macro.Node = node;
        macro.Closure = _scope;
        return new Value(ValueKind.Macro, macro, 0);
    }

    private void DefineMacro(Node node) => _scope.Set(node.B!.Id, NewMacro(node));

    /// <summary><c>{% call m() %}</c>: the block is the argument caller.</summary>
    private Value CallWithBlock(Node node)
    {
        var mark = _top;
        var call = node.A!;
        var function = Eval(call.A!);
        var arguments = EvalArguments(call.Call!);
        Push(CallerName);
        Push(NewMacro(node.B!));
        var result = Call(function, arguments with { NamedCount = arguments.NamedCount + 1 });
        _top = mark;
        return result;
    }

    private static readonly Value CallerName = Value.Text("caller"u8.ToArray());

    private Value CallMacro(MacroState macro, Arguments arguments)
    {
        var node = macro.Node;
        if (!Descend())
        {
            return Value.Failed;
        }

        var (saved, scopes, mark) = (_scope, _scopesUsed, _out.Length);
        var scope = TakeScope(macro.Closure);
        if (BindMacro(node, arguments, scope))
        {
            _scope = scope;
            Unset(node.A!);
            SetDefaults(node, scope);
            Run(node.A!);
        }

        _scope = saved;
        _depth--;
        ReleaseScopes(scopes);
        return Cut(mark);
    }

    private bool BindMacro(Node node, Arguments arguments, Scope scope)
    {
        var parameters = node.Items;
        for (var i = 0; i < Math.Min(arguments.Count, parameters.Length); i++)
        {
            scope.Set(parameters[i].Id, _stack[arguments.Start + i]);
        }

        var mark = _top;
        var isCallerGiven = false;
        for (var i = arguments.NamedStart; i < arguments.End; i += 2)
        {
            var index = IndexOfParameter(parameters, _stack[i].Span);
            if (index >= arguments.Count)
            {
                scope.Set(parameters[index].Id, _stack[i + 1]);
            }
            else if ((node.Extra & TemplateChecker.ReadsCaller) != 0 && _stack[i].Is("caller"u8))
            {
                scope.Set(SpecialNames.Caller, _stack[i + 1]);
                isCallerGiven = true;
            }
            else
            {
                Push(_stack[i]);
                Push(_stack[i + 1]);
            }
        }

        var rest = _dicts.Build(_stack.AsSpan(mark, _top - mark));
        _top = mark;
        if ((node.Extra & TemplateChecker.ReadsCaller) != 0 && !isCallerGiven && IndexOfParameter(parameters, "caller"u8) < 0)
        {
            scope.Set(SpecialNames.Caller, Value.Undefined(NoCaller, Value.Hint));
        }

        return TakeRest(node, arguments, scope, rest);
    }

    private static readonly byte[] NoCaller = "No caller defined"u8.ToArray();

    private bool TakeRest(Node node, Arguments arguments, Scope scope, in Value named)
    {
        var over = Math.Max(0, arguments.Count - node.Items.Length);
        if ((node.Extra & TemplateChecker.ReadsKwArgs) != 0 && _rules.IsPython)
        {
            scope.Set(SpecialNames.KwArgs, named);
        }
        else if (named.Length > 0)
        {
            TypeError("a macro takes no such keyword argument");
            return false;
        }

        if ((node.Extra & TemplateChecker.ReadsVarArgs) != 0 && _rules.IsPython)
        {
            scope.Set(SpecialNames.VarArgs, NewList(_stack.AsSpan(arguments.NamedStart - over, over), ValueKind.Tuple));
        }
        else if (over > 0)
        {
            TypeError($"a macro takes not more than {node.Items.Length} argument(s)");
            return false;
        }

        return true;
    }

    private int IndexOfParameter(Node[] parameters, ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < parameters.Length; i++)
        {
            if (name.SequenceEqual(_template.Names[parameters[i].Id]))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Defaults see the parameters before them; in Python those after them, and themselves, are undefined to them.</summary>
    private void SetDefaults(Node node, Scope scope)
    {
        var defaults = node.Call!.Positional;
        var isGiven = node.Items.Length <= 64 ? stackalloc bool[node.Items.Length] : new bool[node.Items.Length];
        for (var i = 0; i < node.Items.Length; i++)
        {
            // In minijinja a default also stands for an argument that is undefined.
            isGiven[i] = scope.TryGet(node.Items[i].Id, out var given) && (_rules.IsPython || !given.IsUndefined);
            if (!isGiven[i] && _rules.IsPython)
            {
                scope.Set(node.Items[i].Id, Value.Undefined(_template.Names[node.Items[i].Id]));
            }
        }

        for (var i = 0; i < node.Items.Length; i++)
        {
            var index = i - (node.Items.Length - defaults.Length);
            if (!isGiven[i])
            {
                scope.Set(node.Items[i].Id, index >= 0 ? Eval(defaults[index]) : Value.Undefined(_template.Names[node.Items[i].Id]));
            }
        }
    }

    /// <summary><c>loop(items)</c>: the body of a recursive loop once more, as text.</summary>
    private Value CallLoop(LoopState loop, Arguments arguments)
    {
        if (!loop.Node.Flag)
        {
            return TypeError("The loop must have the 'recursive' marker to be called recursively.");
        }

        if (!Bind(arguments, "iterable"u8, 1, out var bound) || !Descend())
        {
            return Value.Failed;
        }

        var mark = _out.Length;
        RunLoop(loop.Node, bound[0], loop.Outer, loop.Depth + 1);
        _depth--;
        return Cut(mark);
    }

    private Value CallMember(in Value receiver, int member, Arguments arguments)
    {
        if (receiver.Kind == ValueKind.Cycler)
        {
            var cycler = (MutableState)receiver.Ref!;
            var current = cycler.Values[cycler.Position];
            cycler.Position = member == CyclerNext ? (cycler.Position + 1) % cycler.Count : 0;
            return member == CyclerNext ? current : Value.None;
        }

        var loop = (LoopState)receiver.Ref!;
        if (member == LoopCycle)
        {
            return arguments.Count == 0
                ? TypeError("no items for cycling given")
                : _stack[arguments.Start + loop.Index % arguments.Count];
        }

        var now = NewList(_stack.AsSpan(arguments.Start, arguments.Count));
        var changed = loop.LastChanged.IsMissing || !IsEqual(loop.LastChanged, now);
        loop.LastChanged = now;
        return Value.Bool(changed);
    }
}
