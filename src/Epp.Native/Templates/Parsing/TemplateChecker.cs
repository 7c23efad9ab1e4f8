using Epp.Native.Templates.Rendering;

namespace Epp.Native.Templates.Parsing;

/// <summary>
/// What jinja2 refuses when it compiles: unknown filters and tests (inside a condition only when reached), break and continue outside a
/// loop, assigning to <c>loop</c> in one, two parameters of one name. Also notes which special variables a macro reads. minijinja finds these while rendering.
/// </summary>
internal sealed class TemplateChecker(FlavourRules rules)
{
    /// <summary>Bits of <see cref="Node.Extra"/> of a macro.</summary>
    public const int ReadsCaller = 1, ReadsVarArgs = 2, ReadsKwArgs = 4;

    private readonly FlavourRules _rules = rules;
    private string? _error;
    private byte[][] _names = [];

    public int ErrorLine { get; private set; }

    /// <summary>The first problem; null = none.</summary>
    public string? Check(Node root, byte[][] names)
    {
        _names = names;
        Visit(root, soft: false, inLoop: false);
        return _error;
    }

    private void Fail(Node node, string error)
    {
        if (_error is null)
        {
            _error = error;
            ErrorLine = node.Line;
        }
    }

    private void Visit(Node? node, bool soft, bool inLoop)
    {
        if (node is null)
        {
            return;
        }

        switch (node.Kind)
        {
            case NodeKind.If or NodeKind.Condition:
                Children(node, soft: true, inLoop);
                break;
            case NodeKind.For:
                VisitFor(node, soft, inLoop);
                break;
            case NodeKind.Macro:
                node.Extra = Reads(node.A);
                CheckParameters(node);
                Children(node, soft: false, inLoop: false);
                break;
            case NodeKind.With:
                // The values belong to the frame around.
                foreach (var item in node.Items)
                {
                    Visit(item, soft, inLoop);
                }

                Visit(node.A, soft: false, inLoop);
                break;
            case NodeKind.SetBlock or NodeKind.FilterBlock:
                Children(node, soft: false, inLoop);
                break;
            case NodeKind.Scope or NodeKind.Block:
                Children(node, soft: false, inLoop: false);
                break;
            case NodeKind.Break or NodeKind.Continue when !inLoop:
                Fail(node, "'break' or 'continue' outside of a loop");
                break;
            default:
                CheckName(node, soft);
                Children(node, soft, inLoop);
                break;
        }
    }

    private void CheckParameters(Node macro)
    {
        for (var i = 1; i < macro.Items.Length && _rules.IsPython; i++)
        {
            if (Array.FindIndex(macro.Items, 0, i, other => other.Id == macro.Items[i].Id) >= 0)
            {
                Fail(macro, "a macro with two parameters of one name");
            }
        }
    }

    private void CheckName(Node node, bool soft)
    {
        if (node.Id != 0 || soft || !_rules.IsPython || node.Kind is not (NodeKind.Filter or NodeKind.Test))
        {
            return;
        }

        var name = System.Text.Encoding.UTF8.GetString(node.Constant.Span);
        Fail(node, $"the {(node.Kind == NodeKind.Filter ? "filter" : "test")} '{name}' is unknown or not supported");
    }

    private void VisitFor(Node node, bool soft, bool inLoop)
    {
        if (AssignsLoop(node.A!))
        {
            Fail(node, "the variable 'loop' cannot be the target of a loop");
        }

        Visit(node.B, soft, inLoop);
        Visit(node.C, soft: false, inLoop: false);
        Visit(node.Items[0], soft: false, inLoop: true);
        Visit(node.D, soft: false, inLoop);
    }

    private bool AssignsLoop(Node target)
    {
        if (target.Kind == NodeKind.Name)
        {
            return _names[target.Id].AsSpan().SequenceEqual("loop"u8);
        }

        foreach (var item in target.Items)
        {
            if (AssignsLoop(item))
            {
                return true;
            }
        }

        return false;
    }

    private void Children(Node node, bool soft, bool inLoop)
    {
        Visit(node.A, soft, inLoop);
        Visit(node.B, soft, inLoop);
        Visit(node.C, soft, inLoop);
        Visit(node.D, soft, inLoop);
        foreach (var item in node.Items)
        {
            Visit(item, soft, inLoop);
        }

        if (node.Call is { } call)
        {
            Visit(call.Star, soft, inLoop);
            Visit(call.DoubleStar, soft, inLoop);
            foreach (var item in call.Positional)
            {
                Visit(item, soft, inLoop);
            }

            foreach (var item in call.Named)
            {
                Visit(item, soft, inLoop);
            }
        }
    }

    private static int Reads(Node? node)
    {
        if (node is null)
        {
            return 0;
        }

        var bits = node.Kind == NodeKind.Name
            ? node.Id switch
            {
                SpecialNames.Caller => ReadsCaller,
                SpecialNames.VarArgs => ReadsVarArgs,
                SpecialNames.KwArgs => ReadsKwArgs,
                _ => 0,
            }
            : 0;
        bits |= Reads(node.A) | Reads(node.B) | Reads(node.C) | Reads(node.D);
        foreach (var item in node.Items)
        {
            bits |= Reads(item);
        }

        if (node.Call is { } call)
        {
            bits |= Reads(call.Star) | Reads(call.DoubleStar);
            foreach (var item in call.Positional)
            {
                bits |= Reads(item);
            }

            foreach (var item in call.Named)
            {
                bits |= Reads(item);
            }
        }

        return bits;
    }
}

/// <summary>Numbers of the variables that the renderer sets; the parser names them first.</summary>
internal static class SpecialNames
{
    public const int Loop = 0, Caller = 1, VarArgs = 2, KwArgs = 3;
}
