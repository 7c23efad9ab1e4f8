using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Statements and scopes.</summary>
internal sealed partial class Renderer
{
    private const int ManyScopes = 512;

    private Scope[] _scopes = new Scope[8];
    private int _scopesUsed;
    private LoopState[] _loops = new LoopState[4];
    private int _loopsUsed;
    private Scope _root = null!;
    private Scope _scope = null!;

    private enum Flow : byte
    {
        Next,
        Break,
        Continue,
    }

    private Scope TakeScope(Scope? parent)
    {
        if (_scopesUsed == _scopes.Length)
        {
            Array.Resize(ref _scopes, _scopesUsed * 2);
        }

        // Many scopes at once are kept by macros defined inside of loops; each costs about 400 bytes.
        Charge(_scopesUsed < ManyScopes ? 0 : ObjectSteps);
        var scope = _scopes[_scopesUsed++] ??= new Scope();
        scope.Reset(parent);
        return scope;
    }

    /// <summary>Gives scopes back that were taken since <paramref name="mark"/>, unless a macro may still look into them.</summary>
    private void ReleaseScopes(int mark)
    {
        while (_scopesUsed > mark && !_scopes[_scopesUsed - 1].IsCaptured)
        {
            _scopesUsed--;
        }
    }

    private LoopState TakeLoop()
    {
        if (_loopsUsed == _loops.Length)
        {
            Array.Resize(ref _loops, _loopsUsed * 2);
        }

        Charge(_loopsUsed < ManyScopes ? 0 : ObjectSteps);
        var loop = _loops[_loopsUsed++] ??= new LoopState();
        loop.LastChanged = default;
        return loop;
    }

    private Flow Run(Node node)
    {
        if (!Charge(1))
        {
            return Flow.Break;
        }

        switch (node.Kind)
        {
            case NodeKind.Body:
                foreach (var item in node.Items)
                {
                    var flow = Run(item);
                    if (flow != Flow.Next)
                    {
                        return flow;
                    }
                }

                return Flow.Next;
            case NodeKind.Data:
                ChargeBytes(node.Constant.Length);
                _out.Write(node.Constant.Span);
                return Flow.Next;
            case NodeKind.Output:
                _line = node.Line;
                Print(Eval(node.A!));
                return Flow.Next;
            case NodeKind.If:
                return RunIf(node);
            case NodeKind.For:
                _line = node.Line;
                RunLoop(node, Eval(node.B!), _scope, depth: 0);
                return Flow.Next;
            case NodeKind.Break:
                return Flow.Break;
            case NodeKind.Continue:
                return Flow.Continue;
            default:
                _line = node.Line;
                return RunOther(node);
        }
    }

    private Flow RunOther(Node node)
    {
        switch (node.Kind)
        {
            case NodeKind.Set:
                Assign(node.A!, Eval(node.B!));
                return Flow.Next;
            case NodeKind.SetBlock:
                return RunSetBlock(node);
            case NodeKind.Macro:
                DefineMacro(node);
                return Flow.Next;
            case NodeKind.CallBlock:
                Print(CallWithBlock(node));
                return Flow.Next;
            case NodeKind.FilterBlock:
                return RunFilterBlock(node);
            case NodeKind.With:
                return RunWith(node);
            case NodeKind.Scope:
                return RunInScope(node.A!, _scope);
            case NodeKind.Block:
                return RunInScope(node.A!, node.Flag ? _scope : _root);
            default:
                Eval(node.A!);
                return Flow.Next;
        }
    }

    private Flow RunIf(Node node)
    {
        var items = node.Items;
        var i = 0;
        for (; i + 1 < items.Length; i += 2)
        {
            _line = node.Line;
            if (IsTrue(Eval(items[i])))
            {
                return Run(items[i + 1]);
            }
        }

        return i < items.Length ? Run(items[i]) : Flow.Next;
    }

    private Flow RunInScope(Node body, Scope parent)
    {
        var saved = _scope;
        var mark = _scopesUsed;
        _scope = TakeScope(parent);
        Unset(body);
        var flow = Run(body);
        _scope = saved;
        ReleaseScopes(mark);
        return flow;
    }

    private void Unset(Node body)
    {
        foreach (var name in body.Unset)
        {
            _scope.Set(name, Value.Undefined(_template.Names[name]));
        }
    }

    private Flow RunSetBlock(Node node)
    {
        var mark = _out.Length;
        var flow = RunInScope(node.C!, _scope);
        var text = Cut(mark);
        if (flow == Flow.Next)
        {
            Assign(node.A!, node.B is null ? text : ApplyFilters(node.B, text));
        }

        return flow;
    }

    private Flow RunFilterBlock(Node node)
    {
        var mark = _out.Length;
        var flow = RunInScope(node.B!, _scope);
        var text = Cut(mark);
        if (flow == Flow.Next)
        {
            Print(ApplyFilters(node.A!, text));
        }

        return flow;
    }

    private Flow RunWith(Node node)
    {
        // Values see the outer variables only, so all are evaluated before any is set.
        var mark = _top;
        for (var i = 1; i < node.Items.Length; i += 2)
        {
            Push(Eval(node.Items[i]));
        }

        var saved = _scope;
        var scopes = _scopesUsed;
        _scope = TakeScope(saved);
        Unset(node.A!);
        for (var i = 0; i < node.Items.Length; i += 2)
        {
            Assign(node.Items[i], _stack[mark + i / 2]);
        }

        _top = mark;
        var flow = Run(node.A!);
        _scope = saved;
        ReleaseScopes(scopes);
        return flow;
    }

    private void Assign(Node target, in Value value)
    {
        switch (target.Kind)
        {
            case NodeKind.Name:
                _scope.Set(target.Id, value);
                return;
            case NodeKind.NamespaceTarget:
                var space = Lookup(target.A!);
                if (space.Kind == ValueKind.Namespace)
                {
                    SetMember((MutableState)space.Ref!, target.Constant, value);
                }
                else
                {
                    Fail(TemplateErrorKind.Type, "cannot assign attribute on non-namespace object");
                }

                return;
            default:
                Unpack(target, value);
                return;
        }
    }

    private void Unpack(Node target, in Value value)
    {
        if (!TryIterate(value, out var sequence))
        {
            return;
        }

        if (sequence.Length != target.Items.Length)
        {
            TypeError($"cannot unpack {sequence.Length} values into {target.Items.Length}");
            return;
        }

        for (var i = 0; i < target.Items.Length; i++)
        {
            Assign(target.Items[i], sequence.Items[i]);
        }
    }
}
