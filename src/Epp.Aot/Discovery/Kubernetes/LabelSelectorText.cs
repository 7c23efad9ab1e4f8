using System.Text.RegularExpressions;

namespace Epp.Aot.Discovery.Kubernetes;

/// <summary>
/// Checks a label selector's text (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/): <c>k=v</c>, <c>k==v</c>,
/// <c>k!=v</c>, <c>k</c>, <c>!k</c>, <c>k in (a,b)</c>, <c>k notin (a,b)</c>, separated by commas. The API server evaluates it.
/// </summary>
internal static partial class LabelSelectorText
{
    private const int MaxChars = 4096;

    private const string Key = @"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?";
    private const string Value = "(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?";

    [GeneratedRegex(@"^\s*(?:!\s*" + Key + "|" + Key + @"(?:\s*(?:=|==|!=)\s*" + Value + @"|\s+(?:in|notin)\s*\(\s*" + Value + @"(?:\s*,\s*" + Value + @")*\s*\))?)\s*$",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Requirement { get; }

    /// <summary>What is wrong; null = nothing.</summary>
    public static string? Problem(string selector)
    {
        if (selector.Length > MaxChars)
        {
            return $"{selector.Length} characters, expected at most {MaxChars}";
        }

        foreach (var part in Requirements(selector))
        {
            if (!Requirement.IsMatch(part))
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
}
