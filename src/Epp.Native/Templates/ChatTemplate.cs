using System.Text.Unicode;
using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Rendering;

namespace Epp.Native.Templates;

/// <summary>
/// A chat template, read once into a tree and rendered from the JSON of its variables. Immutable; safe to share. Rendering is bounded in
/// steps, bytes and depth, and works in the caller's <see cref="TemplateScratch"/>.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>Longest template; the longest seen has 20 KB.</summary>
    public const int MaxSourceBytes = 256 << 10;

    private readonly byte[] _source;

    private ChatTemplate(byte[] source, TemplateFlavour flavour, Node root, byte[][] names)
    {
        _source = source;
        Flavour = flavour;
        Rules = FlavourRules.Of(flavour);
        Root = root;
        Names = names;
        ContentFormat = ContentFormatDetector.Detect(root, names);
    }

    /// <summary>The engine whose results are reproduced.</summary>
    public TemplateFlavour Flavour { get; }

    /// <summary>What the content of a message looks like to this template, as vLLM finds it out from the tree.</summary>
    public ContentFormat ContentFormat { get; }

    internal FlavourRules Rules { get; }

    internal Node Root { get; }

    /// <summary>Names of variables by number.</summary>
    internal byte[][] Names { get; }

    /// <summary>Reads a template; false with the reason where the engine would refuse it or it uses something unsupported.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> source, TemplateFlavour flavour, out ChatTemplate? template, out TemplateError error)
    {
        template = null;
        var rules = FlavourRules.Of(flavour);
        if (source.Length > MaxSourceBytes || !Utf8.IsValid(source))
        {
            error = new TemplateError(TemplateErrorKind.Syntax, source.Length > MaxSourceBytes
                ? $"the template has more than {MaxSourceBytes} bytes"
                : "the template is not valid UTF-8");
            return false;
        }

        var original = source.ToArray();
        var text = TemplateLexer.Normalize(rules.IsPython ? source : GenerationTags.Strip(original, rules), !rules.IsPython);
        var lexer = new TemplateLexer(text, keepsLineEnds: !rules.IsPython);
        if (!lexer.Run())
        {
            error = new TemplateError(TemplateErrorKind.Syntax, lexer.Error, lexer.ErrorLine);
            return false;
        }

        var parser = new TemplateParser(text, lexer.Tokens.ToArray(), rules);
        var root = parser.Parse();
        var checker = new TemplateChecker(rules);
        var problem = parser.Error ?? checker.Check(root, parser.Names);
        error = problem is null
            ? default
            : new TemplateError(TemplateErrorKind.Syntax, problem, parser.Error is null ? checker.ErrorLine : parser.ErrorLine);
        if (problem is null && rules.IsPython)
        {
            new FrameNames(parser.Names.Length).Note(root);
        }

        template = problem is null ? new ChatTemplate(original, flavour, root, parser.Names) : null;
        return problem is null;
    }

    /// <summary>Whether the source contains a text: engines shape requests differently for templates that mention a field.</summary>
    public bool Mentions(ReadOnlySpan<byte> text) => _source.AsSpan().IndexOf(text) >= 0;

    /// <summary>
    /// Renders to <see cref="TemplateScratch.Prompt"/>. <paramref name="contextJson"/> is one JSON object: its members are the
    /// variables. The clock serves <c>strftime_now</c>, in UTC.
    /// </summary>
    public TemplateError Render(
        ReadOnlySpan<byte> contextJson, TemplateScratch scratch, long nowUnixSeconds, in TemplateLimits limits)
    {
        ArgumentNullException.ThrowIfNull(scratch);
        return scratch.Renderer.Render(this, contextJson, nowUnixSeconds, limits);
    }
}

/// <summary>What vLLM hands to a template as the content of a message.</summary>
public enum ContentFormat
{
    /// <summary>One string.</summary>
    Text,

    /// <summary>The list of parts as OpenAI's API has it.</summary>
    OpenAi,
}

/// <summary>
/// Memory and result of renderings: reused, so that rendering allocates nothing in steady state. One thread at a time.
/// </summary>
public sealed class TemplateScratch
{
    internal Renderer Renderer { get; } = new();

    /// <summary>Whether errors have texts; without, a rendering that fails allocates nothing either.</summary>
    public bool Explains
    {
        get => Renderer.Explains;
        set => Renderer.Explains = value;
    }

    /// <summary>The UTF-8 prompt of the last rendering, valid until the next one; after an error, what was written before it.</summary>
    public ReadOnlySpan<byte> Prompt => Renderer.Output;
}
