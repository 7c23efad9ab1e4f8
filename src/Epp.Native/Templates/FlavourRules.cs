namespace Epp.Native.Templates;

/// <summary>What differs between the engines: one row per flavour, read by the parser and the renderer. Immutable.</summary>
internal sealed class FlavourRules
{
    private static readonly FlavourRules Jinja2 = new() { IsPython = true };
    private static readonly FlavourRules Dynamo12 = new()
    {
        LowercaseWords = true,
        PlainFloats = true,
        SortedKeys = true,
        CompactJson = true,
        RustJsonFloats = true,
        ItemsKeyHidesMethod = true,
        LacksUrlEncode = true,
        LazySplit = true,
    };

    private static readonly FlavourRules Dynamo14 = new()
    {
        LowercaseWords = true,
        PlainFloats = true,
        RustJsonFloats = true,
        LacksUrlEncode = true,
        LazySplit = true,
    };

    private static readonly FlavourRules Dynamo16 = new() { StripsDashedGeneration = true };

    private FlavourRules()
    {
    }

    /// <summary>Python's types and strictness; false = minijinja's (lenient None, lists for tuples, JSON-like quotes, few methods).</summary>
    public bool IsPython { get; private init; }

    /// <summary>Prints <c>true</c>, <c>false</c>, <c>none</c>.</summary>
    public bool LowercaseWords { get; private init; }

    /// <summary>Prints floats without an exponent.</summary>
    public bool PlainFloats { get; private init; }

    /// <summary>Maps are kept in the order of their keys.</summary>
    public bool SortedKeys { get; private init; }

    /// <summary><c>tojson</c> without blanks and with <c>&lt; &gt; &amp; '</c> escaped.</summary>
    public bool CompactJson { get; private init; }

    /// <summary><c>tojson</c> writes 1e-7 where Python writes 1e-07.</summary>
    public bool RustJsonFloats { get; private init; }

    /// <summary>A key <c>items</c> makes <c>d.items()</c> fail.</summary>
    public bool ItemsKeyHidesMethod { get; private init; }

    /// <summary>The filter <c>urlencode</c> is unknown.</summary>
    public bool LacksUrlEncode { get; private init; }

    /// <summary>The filter <c>split</c> gives an iterator that prints as one.</summary>
    public bool LazySplit { get; private init; }

    /// <summary>Also <c>{%- generation -%}</c> is removed; before, only the form without dashes.</summary>
    public bool StripsDashedGeneration { get; private init; }

    public static FlavourRules Of(TemplateFlavour flavour) => flavour switch
    {
        TemplateFlavour.Dynamo12 => Dynamo12,
        TemplateFlavour.Dynamo14 => Dynamo14,
        TemplateFlavour.Dynamo16 => Dynamo16,
        _ => Jinja2,
    };
}
