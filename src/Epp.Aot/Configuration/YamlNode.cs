namespace Epp.Aot.Configuration;

internal enum YamlKind
{
    Scalar = 0,
    List,
    Map,
}

/// <summary>One value of a YAML or JSON file with its place. Aliases share their anchor's node. Immutable once read.</summary>
internal sealed class YamlNode(YamlKind kind, int line, int column)
{
    public YamlKind Kind { get; } = kind;

    /// <summary>From 1.</summary>
    public int Line { get; } = line;

    /// <summary>From 1.</summary>
    public int Column { get; } = column;

    /// <summary>Text of a scalar.</summary>
    public string Text { get; init; } = "";

    /// <summary>True for a scalar without quotes: only then it can be null, a number or a boolean.</summary>
    public bool IsPlain { get; init; }

    public List<YamlNode> Items { get; } = [];

    /// <summary>Entries in file order; keys are unique.</summary>
    public List<(YamlNode Key, YamlNode Value)> Entries { get; } = [];

    /// <summary>Nodes below and including this one, aliases counted in full.</summary>
    public int Size { get; set; } = 1;

    public bool IsNull => Kind == YamlKind.Scalar && IsPlain && Text is ("" or "~" or "null" or "Null" or "NULL");

    /// <summary>The value in words for messages.</summary>
    public string Describe() => Kind switch
    {
        YamlKind.List => "a list",
        YamlKind.Map => "a map",
        _ when IsNull => "nothing",
        _ => $"'{(Text.Length > 60 ? string.Concat(Text.AsSpan(0, 60), "…") : Text)}'",
    };
}
