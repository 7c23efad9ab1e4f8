namespace Epp.Native.Templates.Parsing;

/// <summary>Type of a <see cref="Token"/>.</summary>
internal enum TokenKind : byte
{
    End,
    Data,
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name,
    Text,
    Integer,
    Float,
    Add,
    Subtract,
    Divide,
    FloorDivide,
    Multiply,
    Modulo,
    Power,
    Tilde,
    LeftBracket,
    RightBracket,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Assign,
    Dot,
    Colon,
    Pipe,
    Comma,
    Semicolon,
}

/// <summary>A piece of a template: a range of its source.</summary>
internal readonly struct Token(TokenKind kind, int line, int start, int length)
{
    public readonly TokenKind Kind = kind;
    public readonly int Line = line;
    public readonly int Start = start;
    public readonly int Length = length;
}
