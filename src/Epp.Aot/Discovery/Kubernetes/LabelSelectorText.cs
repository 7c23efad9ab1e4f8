namespace Epp.Aot.Discovery.Kubernetes;

/// <summary>
/// Checks a label selector's text (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/): <c>k=v</c>, <c>k==v</c>,
/// <c>k!=v</c>, <c>k</c>, <c>!k</c>, <c>k in (a,b)</c>, <c>k notin (a,b)</c>, separated by commas. The API server evaluates it.
/// </summary>
internal static class LabelSelectorText
{
    private const int MaxChars = 4096;
    private const int MaxNameChars = 63;
    private const int MaxPrefixChars = 253;

    /// <summary>What is wrong; null = nothing.</summary>
    public static string? Problem(string selector)
    {
        if (selector.Length > MaxChars)
        {
            return $"{selector.Length} characters, expected at most {MaxChars}";
        }

        foreach (var part in Requirements(selector))
        {
            if (!IsRequirement(part.AsSpan().Trim()))
            {
                return $"'{part.Trim()}' is no requirement; expected k=v, k!=v, k, !k, k in (a,b) or k notin (a,b), separated by commas";
            }
        }

        return null;
    }

    // Commas inside parentheses separate values.
    private static IEnumerable<string> Requirements(string selector)
    {
        var depth = 0;
        var from = 0;
        for (var i = 0; i < selector.Length; i++)
        {
            depth += selector[i] switch
            {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            if (selector[i] == ',' && depth == 0)
            {
                yield return selector[from..i];
                from = i + 1;
            }
        }

        yield return selector[from..];
    }

    private static bool IsRequirement(ReadOnlySpan<char> text)
    {
        if (text.StartsWith("!"))
        {
            return IsKey(text[1..].TrimStart());
        }

        var end = text.IndexOfAny(" \t=!");
        if (end < 0)
        {
            return IsKey(text);
        }

        var key = text[..end];
        var rest = text[end..].TrimStart();
        foreach (var sign in (string[])["==", "!=", "="])
        {
            if (rest.StartsWith(sign))
            {
                return IsKey(key) && IsValue(rest[sign.Length..].Trim());
            }
        }

        var set = rest.StartsWith("in") ? rest[2..] : rest.StartsWith("notin") ? rest[5..] : default;
        return IsKey(key) && set.TrimStart() is ['(', .. var values, ')'] && AreValues(values);
    }

    private static bool AreValues(ReadOnlySpan<char> values)
    {
        foreach (var range in values.Split(','))
        {
            if (!IsValue(values[range].Trim()))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsKey(ReadOnlySpan<char> key)
    {
        var slash = key.IndexOf('/');
        return slash < 0 ? key.Length > 0 && IsValue(key) : key[(slash + 1)..] is { Length: > 0 } name && IsValue(name) && IsWord(key[..slash], ".-", MaxPrefixChars);
    }

    private static bool IsValue(ReadOnlySpan<char> value) => value.Length == 0 || IsWord(value, "._-", MaxNameChars);

    // Letters and digits at both ends, these marks between.
    private static bool IsWord(ReadOnlySpan<char> word, ReadOnlySpan<char> marks, int most)
    {
        if (word.Length == 0 || word.Length > most || !char.IsAsciiLetterOrDigit(word[0]) || !char.IsAsciiLetterOrDigit(word[^1]))
        {
            return false;
        }

        foreach (var c in word)
        {
            if (!char.IsAsciiLetterOrDigit(c) && !marks.Contains(c))
            {
                return false;
            }
        }

        return true;
    }
}
