using Epp.Native.Templates.Rendering;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Parsing;

/// <summary>What a <see cref="Node"/> does.</summary>
internal enum NodeKind : byte
{
    Const,
    Name,
    List,
    Tuple,
    Dict,
    Attribute,
    Element,
    Slice,
    Call,
    Filter,
    Test,
    Not,
    Negate,
    Plus,
    And,
    Or,
    Compare,
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    Concat,
    Condition,
    NamespaceTarget,

    Body,
    Data,
    Output,
    If,
    For,
    Set,
    SetBlock,
    Macro,
    CallBlock,
    FilterBlock,
    With,
    Scope,
    Block,
    Do,
    Break,
    Continue,
}

/// <summary>Comparison operators of a <see cref="NodeKind.Compare"/>.</summary>
internal enum Comparator : byte
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// <summary>
/// One node of a parsed template. One type for all of them: the kind says which fields are used, see the parser. Immutable once parsed;
/// safe to share.
/// </summary>
internal sealed class Node(NodeKind kind, int line)
{
    public static readonly Node[] NoItems = [];

    public NodeKind Kind { get; } = kind;

    public int Line { get; } = line;

    /// <summary>Operand, condition, iterated expression, target ...</summary>
    public Node? A { get; set; }

    public Node? B { get; set; }

    public Node? C { get; set; }

    public Node? D { get; set; }

    public Node[] Items { get; set; } = NoItems;

    /// <summary>Value of a constant, bytes of data, name of an attribute, filter, test, macro.</summary>
    public Value Constant { get; set; }

    /// <summary>Number of a name, filter, test or method in its table.</summary>
    public int Id { get; set; }

    /// <summary>Name: the global function of that name. Macro: which of varargs, kwargs and caller it reads.</summary>
    public int Extra { get; set; }

    /// <summary>Loop: recursive.</summary>
    public bool Flag { get; set; }

    /// <summary>Compare: one operator per item.</summary>
    public Comparator[] Operators { get; set; } = [];

    /// <summary>Arguments of a call, filter or test.</summary>
    public CallArguments? Call { get; set; }

    /// <summary>Body of a frame: the names that are undefined at its start, whatever the context holds. See <see cref="FrameNames"/>.</summary>
    public int[] Unset { get; set; } = [];

    /// <summary>Longest way down from here.</summary>
    public int Height { get; set; }
}

/// <summary>Arguments as written: positional, named, <c>*args</c>, <c>**kwargs</c>.</summary>
internal sealed class CallArguments
{
    public static readonly CallArguments Empty = new();

    public Node[] Positional { get; init; } = Node.NoItems;

    public Value[] Names { get; init; } = [];

    public Node[] Named { get; init; } = Node.NoItems;

    public Node? Star { get; init; }

    public Node? DoubleStar { get; init; }
}
