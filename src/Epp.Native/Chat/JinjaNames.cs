namespace Epp.Native.Chat;

/// <summary>
/// The identifiers that a Jinja template's tags may read as variables: names in <c>{{ }}</c> and <c>{% %}</c> outside strings and not behind
/// a dot. A superset of the undeclared variables that vLLM asks Jinja for.
/// </summary>
internal static class JinjaNames
{
    /// <summary>The names, each once, in order of bytes.</summary>
    public static byte[][] Read(ReadOnlySpan<byte> template)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        for (var at = 0; at + 1 < template.Length;)
        {
            var open = template[at..].IndexOf((byte)'{');
            if (open < 0 || at + open + 1 >= template.Length)
            {
                break;
            }

            at += open;
            var kind = template[at + 1];
            if (kind == '#')
            {
                var end = template[(at + 2)..].IndexOf("#}"u8);
                at = end < 0 ? template.Length : at + end + 4;
            }
            else
            {
                at = kind is (byte)'{' or (byte)'%' ? ReadTag(template, at + 2, names) : at + 1;
            }
        }

        var result = new byte[names.Count][];
        var i = 0;
        foreach (var name in names)
        {
            result[i++] = System.Text.Encoding.UTF8.GetBytes(name);
        }

        return result;
    }

    private static int ReadTag(ReadOnlySpan<byte> text, int at, SortedSet<string> names)
    {
        while (at < text.Length)
        {
            var c = text[at];
            if (c is (byte)'"' or (byte)'\'')
            {
                at = SkipString(text, at);
            }
            else if (c is (byte)'}' or (byte)'%' && at + 1 < text.Length && text[at + 1] == '}')
            {
                return at + 2;
            }
            else if (IsNameStart(c))
            {
                var start = at;
                while (at < text.Length && (IsNameStart(text[at]) || text[at] is >= (byte)'0' and <= (byte)'9'))
                {
                    at++;
                }

                if (!IsBehindDot(text, start))
                {
                    names.Add(System.Text.Encoding.ASCII.GetString(text[start..at]));
                }
            }
            else
            {
                at++;
            }
        }

        return at;
    }

    private static bool IsBehindDot(ReadOnlySpan<byte> text, int start)
    {
        while (start > 0 && text[start - 1] is (byte)' ' or (byte)'\n' or (byte)'\t')
        {
            start--;
        }

        return start > 0 && text[start - 1] == '.';
    }

    private static int SkipString(ReadOnlySpan<byte> text, int at)
    {
        var quote = text[at++];
        while (at < text.Length && text[at] != quote)
        {
            at += text[at] == '\\' ? 2 : 1;
        }

        return at + 1;
    }

    private static bool IsNameStart(byte c) => c is (>= (byte)'a' and <= (byte)'z') or (>= (byte)'A' and <= (byte)'Z') or (byte)'_';
}
