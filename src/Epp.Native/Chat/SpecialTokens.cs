using System.Text;

namespace Epp.Native.Chat;

/// <summary>The named special tokens of a <c>tokenizer_config.json</c> that templates may print. Immutable; safe to share.</summary>
public sealed class SpecialTokens
{
    /// <summary>No token has a name.</summary>
    public static readonly SpecialTokens None = new([]);

    internal SpecialTokens(IReadOnlyList<KeyValuePair<string, string>> tokens)
    {
        Names = new byte[tokens.Count][];
        Values = new byte[tokens.Count][];
        var output = new JsonOutput();
        for (var i = 0; i < tokens.Count; i++)
        {
            output.Reset();
            output.Quote(Encoding.UTF8.GetBytes(tokens[i].Value));
            Names[i] = Encoding.UTF8.GetBytes(tokens[i].Key);
            Values[i] = output.Written.ToArray();
        }
    }

    /// <summary>The tokens named <c>bos_token</c>, <c>eos_token</c> and so on, in order; a null value is no token.</summary>
    public static SpecialTokens Of(params ReadOnlySpan<(string Name, string? Token)> tokens)
    {
        var list = new List<KeyValuePair<string, string>>();
        foreach (var (name, token) in tokens)
        {
            if (token is not null)
            {
                list.Add(new(name, token));
            }
        }

        return new SpecialTokens(list);
    }

    internal byte[][] Names { get; }

    /// <summary>As JSON strings, quotes included.</summary>
    internal byte[][] Values { get; }

    /// <summary>The token called <paramref name="name"/> as a JSON string; null where there is none.</summary>
    internal byte[]? Find(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < Names.Length; i++)
        {
            if (name.SequenceEqual(Names[i]))
            {
                return Values[i];
            }
        }

        return null;
    }
}
