using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

/// <summary>Turns a pattern's text into a <see cref="TextPattern"/>: runs of one set get a loop of their own, everything else instructions.</summary>
internal sealed class PatternCompiler
{
    private const int MaxInstructions = 20_000;

    private readonly List<PatternInstruction> _code = [];
    private readonly List<CodePointSet> _sets = [];

    private PatternCompiler()
    {
    }

    /// <summary>Throws <see cref="PatternSyntaxException"/>.</summary>
    public static TextPattern Compile(string pattern) => Compile(PatternParser.Parse(pattern));

    public static TextPattern Compile(PatternNode node)
    {
        if (AsRun(node) is { } run)
        {
            return run;
        }

        var compiler = new PatternCompiler();
        compiler.Emit(node);
        compiler.Add(new PatternInstruction(PatternOperation.Match));
        return new CompiledPattern([.. compiler._code], [.. compiler._sets], First(node));
    }

    // x, x{m,n}, xxx and the like, where x is one set and the repeat is no lazy one.
    private static RunPattern? AsRun(PatternNode node)
    {
        switch (node.Kind)
        {
            case PatternNodeKind.Set:
                return new RunPattern(node.Set!, 1, 1);
            case PatternNodeKind.Repeat when node.Min > 0 && node.Repeat != RepeatKind.Lazy && node.Children[0].Kind == PatternNodeKind.Set:
                return new RunPattern(node.Children[0].Set!, node.Min, node.Max);
            case PatternNodeKind.Sequence:
                var first = node.Children[0];
                return Array.TrueForAll(node.Children, c => c.Kind == PatternNodeKind.Set && first.Set is not null && c.Set!.Same(first.Set))
                    ? new RunPattern(first.Set!, node.Children.Length, node.Children.Length)
                    : null;
            default:
                return null;
        }
    }

    // What a match can start with; null where it can start with anything or match nothing.
    private static CodePointSet? First(PatternNode node)
    {
        switch (node.Kind)
        {
            case PatternNodeKind.Set:
                return node.Set;
            case PatternNodeKind.Atomic:
                return First(node.Children[0]);
            case PatternNodeKind.Repeat:
                return node.Min > 0 ? First(node.Children[0]) : null;
            case PatternNodeKind.Sequence:
                return FirstOfSequence(node.Children);
            case PatternNodeKind.Alternatives:
                var union = new CodePointRanges();
                foreach (var child in node.Children)
                {
                    if (First(child) is not { } set)
                    {
                        return null;
                    }

                    union.Add(set);
                }

                return union.ToSet();
            default:
                return null;
        }
    }

    private static CodePointSet? FirstOfSequence(PatternNode[] items)
    {
        var union = new CodePointRanges();
        foreach (var item in items)
        {
            var optional = item.Kind == PatternNodeKind.Repeat && item.Min == 0;
            if (First(optional ? item.Children[0] : item) is not { } set)
            {
                return null;
            }

            union.Add(set);
            if (!optional)
            {
                return union.ToSet();
            }
        }

        return null;
    }

    private int Add(PatternInstruction instruction)
    {
        if (_code.Count >= MaxInstructions)
        {
            throw new PatternSyntaxException($"compiles to more than {MaxInstructions} instructions");
        }

        _code.Add(instruction);
        return _code.Count - 1;
    }

    private void Emit(PatternNode node)
    {
        switch (node.Kind)
        {
            case PatternNodeKind.Set:
                Add(new PatternInstruction(PatternOperation.Set, SetIndex(node.Set!)));
                break;
            case PatternNodeKind.Sequence:
                foreach (var child in node.Children)
                {
                    Emit(child);
                }

                break;
            case PatternNodeKind.Alternatives:
                EmitAlternatives(node.Children);
                break;
            case PatternNodeKind.Repeat:
                EmitRepeat(node);
                break;
            case PatternNodeKind.Atomic:
                EmitSub(PatternOperation.Atomic, node.Children[0], 0);
                break;
            case PatternNodeKind.Look:
                EmitLook(node);
                break;
            case PatternNodeKind.Assertion:
                Add(new PatternInstruction(PatternOperation.Assert, (int)node.Assertion));
                break;
        }
    }

    private int SetIndex(CodePointSet set)
    {
        var index = _sets.FindIndex(s => s.Same(set));
        if (index < 0)
        {
            index = _sets.Count;
            _sets.Add(set);
        }

        return index;
    }

    private void EmitAlternatives(PatternNode[] branches)
    {
        var exits = new List<int>();
        for (var i = 0; i < branches.Length - 1; i++)
        {
            var split = Add(new PatternInstruction(PatternOperation.Split));
            Emit(branches[i]);
            exits.Add(Add(new PatternInstruction(PatternOperation.Jump)));
            _code[split] = new PatternInstruction(PatternOperation.Split, split + 1, _code.Count);
        }

        Emit(branches[^1]);
        foreach (var exit in exits)
        {
            _code[exit] = new PatternInstruction(PatternOperation.Jump, _code.Count);
        }
    }

    private void EmitRepeat(PatternNode node)
    {
        var body = node.Children[0];
        if (body.Kind == PatternNodeKind.Set)
        {
            var operation = node.Repeat switch
            {
                RepeatKind.Greedy => PatternOperation.Run,
                RepeatKind.Lazy => PatternOperation.LazyRun,
                _ => PatternOperation.PossessiveRun,
            };
            Add(new PatternInstruction(operation, SetIndex(body.Set!), node.Min, node.Max));
            return;
        }

        if (node.Repeat == RepeatKind.Possessive)
        {
            EmitSub(PatternOperation.Atomic, new PatternNode(PatternNodeKind.Repeat) { Children = [body], Min = node.Min, Max = node.Max }, 0);
            return;
        }

        for (var i = 0; i < node.Min; i++)
        {
            Emit(body);
        }

        EmitOptional(body, node.Max == PatternNode.Unlimited ? -1 : node.Max - node.Min, node.Repeat == RepeatKind.Lazy);
    }

    // So many optional copies, each tried inside the one before; -1 is a loop.
    private void EmitOptional(PatternNode body, int copies, bool lazy)
    {
        var splits = new List<int>();
        for (var i = 0; i < Math.Abs(copies); i++)
        {
            splits.Add(Add(new PatternInstruction(PatternOperation.Split)));
            Emit(body);
        }

        if (copies < 0)
        {
            Add(new PatternInstruction(PatternOperation.Jump, splits[0]));
        }

        foreach (var split in splits)
        {
            _code[split] = lazy
                ? new PatternInstruction(PatternOperation.Split, _code.Count, split + 1)
                : new PatternInstruction(PatternOperation.Split, split + 1, _code.Count);
        }
    }

    private void EmitSub(PatternOperation operation, PatternNode body, int characters)
    {
        var at = Add(new PatternInstruction(operation));
        Emit(body);
        Add(new PatternInstruction(PatternOperation.Match));
        _code[at] = new PatternInstruction(operation, _code.Count, characters);
    }

    private void EmitLook(PatternNode node)
    {
        var body = node.Children[0];
        if (!node.Behind)
        {
            EmitSub(node.Negative ? PatternOperation.NotAhead : PatternOperation.Ahead, body, 0);
            return;
        }

        // Each alternative has a length of its own.
        var branches = body.Kind == PatternNodeKind.Alternatives ? body.Children : [body];
        if (node.Negative)
        {
            foreach (var branch in branches)
            {
                EmitSub(PatternOperation.NotBehind, branch, BehindLength(branch));
            }

            return;
        }

        var exits = new List<int>();
        for (var i = 0; i < branches.Length; i++)
        {
            var split = i < branches.Length - 1 ? Add(new PatternInstruction(PatternOperation.Split)) : -1;
            EmitSub(PatternOperation.Behind, branches[i], BehindLength(branches[i]));
            exits.Add(Add(new PatternInstruction(PatternOperation.Jump)));
            if (split >= 0)
            {
                _code[split] = new PatternInstruction(PatternOperation.Split, split + 1, _code.Count);
            }
        }

        foreach (var exit in exits)
        {
            _code[exit] = new PatternInstruction(PatternOperation.Jump, _code.Count);
        }
    }

    private static int BehindLength(PatternNode node)
    {
        var length = node.FixedLength();
        return length >= 0 ? length : throw new PatternSyntaxException("looking behind needs a fixed length");
    }
}
