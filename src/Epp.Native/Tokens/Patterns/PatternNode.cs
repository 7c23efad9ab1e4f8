using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

/// <summary>What a node of a pattern's tree is.</summary>
internal enum PatternNodeKind
{
    Empty,
    Set,
    Sequence,
    Alternatives,
    Repeat,
    Atomic,
    Look,
    Assertion,
}

/// <summary>How a repeat chooses.</summary>
internal enum RepeatKind
{
    Greedy,
    Lazy,
    Possessive,
}

/// <summary>Conditions that consume nothing.</summary>
internal enum AssertionKind
{
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    TextEndOrLastNewline,
    WordBoundary,
    NoWordBoundary,
}

/// <summary>A node of a pattern's tree; lives while a pattern is compiled.</summary>
internal sealed class PatternNode(PatternNodeKind kind)
{
    public const int Unlimited = int.MaxValue;

    public PatternNodeKind Kind { get; } = kind;

    public CodePointSet? Set { get; init; }

    public PatternNode[] Children { get; init; } = [];

    public int Min { get; init; }

    public int Max { get; init; }

    public RepeatKind Repeat { get; init; }

    /// <summary>Of a look: whether it must fail, and whether it looks behind.</summary>
    public bool Negative { get; init; }

    public bool Behind { get; init; }

    public AssertionKind Assertion { get; init; }

    /// <summary>The fewest code points it matches.</summary>
    public int MinLength() => Kind switch
    {
        PatternNodeKind.Set => 1,
        PatternNodeKind.Sequence => Sum(Children),
        PatternNodeKind.Alternatives => Least(Children),
        PatternNodeKind.Repeat => (int)Math.Min(int.MaxValue, (long)Min * Children[0].MinLength()),
        PatternNodeKind.Atomic => Children[0].MinLength(),
        _ => 0,
    };

    /// <summary>The number of code points it matches; -1 where that varies.</summary>
    public int FixedLength()
    {
        switch (Kind)
        {
            case PatternNodeKind.Set:
                return 1;
            case PatternNodeKind.Sequence:
                var sum = 0;
                foreach (var child in Children)
                {
                    var length = child.FixedLength();
                    if (length < 0)
                    {
                        return -1;
                    }

                    sum += length;
                }

                return sum;
            case PatternNodeKind.Repeat:
                var one = Children[0].FixedLength();
                return Min == Max && one >= 0 ? (int)Math.Min(int.MaxValue, (long)Min * one) : -1;
            case PatternNodeKind.Alternatives:
                var first = Children[0].FixedLength();
                return Array.TrueForAll(Children, c => c.FixedLength() == first) ? first : -1;
            case PatternNodeKind.Atomic:
                return Children[0].FixedLength();
            default:
                return 0;
        }
    }

    private static int Sum(PatternNode[] nodes)
    {
        var sum = 0;
        foreach (var node in nodes)
        {
            sum = (int)Math.Min(int.MaxValue, (long)sum + node.MinLength());
        }

        return sum;
    }

    private static int Least(PatternNode[] nodes)
    {
        var least = int.MaxValue;
        foreach (var node in nodes)
        {
            least = Math.Min(least, node.MinLength());
        }

        return least;
    }
}
