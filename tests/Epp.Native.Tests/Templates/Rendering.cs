using System.Text;
using Epp.Native.Templates;

namespace Epp.Native.Tests.Templates;

/// <summary>A template rendered for a test: the prompt, or what went wrong.</summary>
internal readonly record struct Rendering(string? Prompt, TemplateError Error)
{
    /// <summary>2024-07-26T12:34:56Z, the frozen clock of the goldens.</summary>
    public const long Now = 1_721_997_296;

    private static readonly TemplateScratch Scratch = new();

    public static Rendering Of(
        string template, string context, TemplateFlavour flavour = TemplateFlavour.Jinja2, long now = Now, TemplateLimits? limits = null)
    {
        if (!ChatTemplate.TryParse(Encoding.UTF8.GetBytes(template), flavour, out var parsed, out var error))
        {
            return new Rendering(null, error);
        }

        return Of(parsed!, context, now, limits);
    }

    public static Rendering Of(ChatTemplate template, string context, long now = Now, TemplateLimits? limits = null)
    {
        lock (Scratch)
        {
            var error = template.Render(Encoding.UTF8.GetBytes(context), Scratch, now, limits ?? TemplateLimits.Default);
            return error.Kind == TemplateErrorKind.None
                ? new Rendering(Encoding.UTF8.GetString(Scratch.Prompt), default)
                : new Rendering(null, error);
        }
    }

    public override string ToString() => Prompt ?? $"{Error.Kind}: {Error.Message} (line {Error.Line})";
}
