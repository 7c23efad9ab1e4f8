using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Loops.</summary>
internal sealed partial class Renderer
{
    /// <summary>Runs a loop over a value; <paramref name="outer"/> is the scope around it.</summary>
    private void RunLoop(Node node, in Value iterated, Scope outer, int depth)
    {
        if (!TryIterate(iterated, out var items))
        {
            return;
        }

        var savedScope = _scope;
        var (scopes, loops) = (_scopesUsed, _loopsUsed);
        _scope = outer;
        if (node.C is { } condition)
        {
            items = Where(node.A!, condition, items);
        }

        var loop = TakeLoop();
        loop.Node = node;
        loop.Items = items;
        loop.Outer = outer;
        loop.Depth = depth;
        var completed = RunTurns(loop, node, outer);
        _scope = outer;
        if (!completed && node.D is { } otherwise)
        {
            RunInScope(otherwise, outer);
        }

        _scope = savedScope;
        ReleaseScopes(scopes);
        if (_scopesUsed == scopes)
        {
            // Nothing captured: no macro can ask for this loop any more.
            _loopsUsed = loops;
        }
    }

    /// <summary>True where the else branch is not due: in jinja2 when a turn ran to its end, in minijinja when there was one.</summary>
    private bool RunTurns(LoopState loop, Node node, Scope outer)
    {
        var completed = false;
        var value = new Value(ValueKind.Loop, loop, 0);
        var scope = TakeScope(outer);
        for (var i = 0; i < loop.Items.Length; i++)
        {
            if (scope.IsCaptured)
            {
                scope = TakeScope(outer);
            }

            scope.Clear();
            loop.Index = i;
            _scope = scope;
            scope.Set(SpecialNames.Loop, value);
            Unset(node.Items[0]);
            Assign(node.A!, loop.Items.Items[i]);
            var flow = Run(node.Items[0]);
            completed |= flow == Flow.Next || !_rules.IsPython;
            if (flow == Flow.Break)
            {
                break;
            }
        }

        return completed;
    }

    /// <summary>The elements for which the condition of a loop holds.</summary>
    private Value Where(Node target, Node condition, in Value items)
    {
        var saved = _scope;
        var (mark, scopes) = (_top, _scopesUsed);
        _scope = TakeScope(saved);
        for (var i = 0; i < items.Length && Charge(1); i++)
        {
            _scope.Clear();
            Assign(target, items.Items[i]);
            if (IsTrue(Eval(condition)))
            {
                Push(items.Items[i]);
            }
        }

        _scope = saved;
        ReleaseScopes(scopes);
        return PopList(mark);
    }
}
