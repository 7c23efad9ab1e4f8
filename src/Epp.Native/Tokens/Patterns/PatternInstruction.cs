namespace Epp.Native.Tokens.Patterns;

/// <summary>What an instruction of a <see cref="CompiledPattern"/> does.</summary>
internal enum PatternOperation : byte
{
    /// <summary>One code point of set A.</summary>
    Set,

    /// <summary>B to C code points of set A, as many as possible, given back one by one.</summary>
    Run,

    /// <summary>B to C code points of set A, as few as possible.</summary>
    LazyRun,

    /// <summary>B to C code points of set A, none given back.</summary>
    PossessiveRun,

    /// <summary>Goes on at A; if that fails, at B.</summary>
    Split,

    /// <summary>Goes on at A.</summary>
    Jump,

    /// <summary>Condition A holds here.</summary>
    Assert,

    /// <summary>What follows, up to its Match, matches and is not tried otherwise; goes on at A.</summary>
    Atomic,

    /// <summary>What follows matches here; goes on at A from the same position. NotAhead: does not match.</summary>
    Ahead,
    NotAhead,

    /// <summary>As Ahead, starting B code points before.</summary>
    Behind,
    NotBehind,

    /// <summary>The end of the pattern or of what Atomic or a look runs.</summary>
    Match,
}

/// <summary>One instruction.</summary>
internal readonly struct PatternInstruction(PatternOperation operation, int a = 0, int b = 0, int c = 0)
{
    public PatternOperation Operation { get; } = operation;

    public int A { get; } = a;

    public int B { get; } = b;

    public int C { get; } = c;
}
