namespace Epp.Native.Templates.Parsing;

/// <summary>
/// Dynamo removes <c>{% generation %}</c> and <c>{% endgeneration %}</c> from the text of a template, because minijinja does not know
/// them.
/// </summary>
internal static class GenerationTags
{
    public static ReadOnlySpan<byte> Strip(ReadOnlySpan<byte> source, FlavourRules rules)
    {
        var result = new byte[source.Length];
        var length = 0;
        for (var i = 0; i < source.Length;)
        {
            var tag = source[i] == '{' ? TagLength(source[i..], rules) : 0;
            if (tag > 0)
            {
                i += tag;
            }
            else
            {
                result[length++] = source[i++];
            }
        }

        return result.AsSpan(0, length);
    }

    private static int TagLength(ReadOnlySpan<byte> text, FlavourRules rules)
    {
        if (text.StartsWith("{% generation %}"u8))
        {
            return "{% generation %}"u8.Length;
        }

        if (text.StartsWith("{% endgeneration %}"u8))
        {
            return "{% endgeneration %}"u8.Length;
        }

        return rules.StripsDashedGeneration ? DashedLength(text) : 0;
    }

    private static int DashedLength(ReadOnlySpan<byte> text)
    {
        var at = 2;
        if (!text.StartsWith("{%"u8))
        {
            return 0;
        }

        at += at < text.Length && text[at] == '-' ? 1 : 0;
        var rest = text[at..].TrimStart((byte)' ');
        var word = rest.StartsWith("generation"u8) ? 10 : rest.StartsWith("endgeneration"u8) ? 13 : 0;
        if (word == 0)
        {
            return 0;
        }

        rest = rest[word..].TrimStart((byte)' ');
        rest = rest.StartsWith("-"u8) ? rest[1..] : rest;
        return rest.StartsWith("%}"u8) ? text.Length - rest.Length + 2 : 0;
    }
}
