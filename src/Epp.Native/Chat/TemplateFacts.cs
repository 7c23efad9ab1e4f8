using System.Text;

namespace Epp.Native.Chat;

/// <summary>What shaping must know about a chat template. Facts read from its text are set by <see cref="Of"/>; those that the engines find
/// by rendering trial conversations are filled in by whoever can render. Immutable; safe to share.</summary>
public sealed record TemplateFacts
{
    private byte[][]? _names;

    /// <summary>The content format found in the template's loops.</summary>
    public ContentFormat ContentFormat { get; init; } = ContentFormat.Text;

    /// <summary>The text holds the word <c>developer</c> (vLLM).</summary>
    public bool MentionsDeveloper { get; init; }

    /// <summary>The text holds <c>reasoning_content</c> (Dynamo).</summary>
    public bool MentionsReasoning { get; init; }

    /// <summary>The text holds <c>arguments is string</c> (Dynamo).</summary>
    public bool TakesArgumentsAsText { get; init; }

    /// <summary>Only lists of parts are printed, found by trial (Dynamo).</summary>
    public bool NeedsContentLists { get; init; }

    /// <summary>What an image becomes in a template that takes strings, <c>{n}</c> its number from 1; null = the list stays (Dynamo).</summary>
    public string? ImagePlaceholder { get; init; }

    /// <summary>The template raises over [system, user, system, user], found by trial in a bare environment (vLLM 0.33, Messages).</summary>
    public bool RaisesOnInlineSystem { get; init; }

    /// <summary>The template raises over a system message that is not the first, found by trial (Dynamo 1.6).</summary>
    public bool RaisesOnLaterSystem { get; init; }

    /// <summary>The template raises over two user messages in a row, found by trial (Dynamo 1.6).</summary>
    public bool RaisesOnUserAfterUser { get; init; }

    /// <summary>The facts in a template's text.</summary>
    public static TemplateFacts Of(string template) => new()
    {
        MentionsDeveloper = template.Contains("developer", StringComparison.Ordinal),
        MentionsReasoning = template.Contains("reasoning_content", StringComparison.Ordinal),
        TakesArgumentsAsText = template.Contains("arguments is string", StringComparison.Ordinal),
        ImagePlaceholder = PlaceholderOf(template),
        _names = JinjaNames.Read(Encoding.UTF8.GetBytes(template)),
    };

    /// <summary>False where the template surely does not read the variable; kwargs it does not read need not be passed.</summary>
    internal bool Mentions(ReadOnlySpan<byte> name)
    {
        if (_names is null)
        {
            return true;
        }

        int low = 0, high = _names.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = name.SequenceCompareTo(_names[middle]);
            if (order == 0)
            {
                return true;
            }

            (low, high) = order < 0 ? (low, middle - 1) : (middle + 1, high);
        }

        return false;
    }

    /// <summary>The two families that Dynamo knows by their markers.</summary>
    private static string? PlaceholderOf(string template)
    {
        if (template.Contains("<|end|>", StringComparison.Ordinal) && template.Contains("<|assistant|>", StringComparison.Ordinal))
        {
            return "<|image_{n}|>";
        }

        return template.Contains("USER:", StringComparison.Ordinal) && template.Contains("ASSISTANT:", StringComparison.Ordinal) ? "<image>" : null;
    }
}
