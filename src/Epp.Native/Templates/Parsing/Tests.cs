namespace Epp.Native.Templates.Parsing;

/// <summary>A test, what follows <c>is</c>.</summary>
internal enum TestId
{
    None,
    Odd,
    Even,
    DivisibleBy,
    Defined,
    Undefined,
    Filter,
    Test,
    Nothing,
    Boolean,
    False,
    True,
    Integer,
    Float,
    Lower,
    Upper,
    String,
    Mapping,
    Number,
    Sequence,
    Iterable,
    Callable,
    SameAs,
    Escaped,
    In,
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    StartingWith,
    EndingWith,
}

/// <summary>Names of the tests.</summary>
internal static class Tests
{
    public static TestId Find(ReadOnlySpan<byte> name, FlavourRules rules)
    {
        var found = Find(AsciiName.Widen(name, stackalloc char[AsciiName.MaxLength]));
        var isAbsent = rules.IsPython
            ? found is TestId.StartingWith or TestId.EndingWith
            : found == TestId.Callable;
        return isAbsent ? TestId.None : found;
    }

    private static TestId Find(ReadOnlySpan<char> name) => name switch
    {
        "odd" => TestId.Odd,
        "even" => TestId.Even,
        "divisibleby" => TestId.DivisibleBy,
        "defined" => TestId.Defined,
        "undefined" => TestId.Undefined,
        "filter" => TestId.Filter,
        "test" => TestId.Test,
        "none" => TestId.Nothing,
        "boolean" => TestId.Boolean,
        "false" => TestId.False,
        "true" => TestId.True,
        "integer" => TestId.Integer,
        "float" => TestId.Float,
        "lower" => TestId.Lower,
        "upper" => TestId.Upper,
        "string" => TestId.String,
        "mapping" => TestId.Mapping,
        "number" => TestId.Number,
        "sequence" => TestId.Sequence,
        "iterable" => TestId.Iterable,
        "callable" => TestId.Callable,
        "sameas" => TestId.SameAs,
        "escaped" => TestId.Escaped,
        "in" => TestId.In,
        "==" => TestId.Equal,
        "eq" => TestId.Equal,
        "equalto" => TestId.Equal,
        "!=" => TestId.NotEqual,
        "ne" => TestId.NotEqual,
        ">" => TestId.Greater,
        "gt" => TestId.Greater,
        "greaterthan" => TestId.Greater,
        "ge" => TestId.GreaterOrEqual,
        ">=" => TestId.GreaterOrEqual,
        "<" => TestId.Less,
        "lt" => TestId.Less,
        "lessthan" => TestId.Less,
        "<=" => TestId.LessOrEqual,
        "le" => TestId.LessOrEqual,
        "startingwith" => TestId.StartingWith,
        "endingwith" => TestId.EndingWith,
        _ => TestId.None,
    };
}
