namespace Epp.Native.Templates;

/// <summary>Bounds on one rendering. A template that reaches one fails; it never hangs and never grows memory beyond them.</summary>
/// <param name="MaxSteps">
/// Evaluated nodes and loop turns, plus one per 32 bytes moved. A chat of 32 KB takes a few thousand; the default stops a runaway
/// template within about 0.2 s.
/// </param>
/// <param name="MaxOutputBytes">Bytes of the prompt; the default fits eight million tokens of English.</param>
/// <param name="MaxWorkBytes">Bytes of the context and of values in between; a value of a list counts 24.</param>
/// <param name="MaxDepth">Macro calls and recursive loops inside each other. Python stops at about 300.</param>
public readonly record struct TemplateLimits(
    int MaxSteps = 10_000_000,
    int MaxOutputBytes = 32 << 20,
    int MaxWorkBytes = 128 << 20,
    int MaxDepth = 200)
{
    /// <summary>The defaults.</summary>
    public static TemplateLimits Default { get; } = new(10_000_000);
}
