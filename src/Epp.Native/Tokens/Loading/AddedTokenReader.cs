using System.Text;
using Epp.Native.Tokens.Models;
using Epp.Native.Tokens.Normalizing;
using Epp.Native.Tokens.Patterns;

namespace Epp.Native.Tokens.Loading;

/// <summary>Reads <c>added_tokens</c> and builds what finds them.</summary>
internal static class AddedTokenReader
{
    /// <summary>
    /// Tokens that the vocabulary holds have its id; the others are numbered from its size on, whatever the file says, as the library
    /// numbers them. One that comes twice counts as its last.
    /// </summary>
    public static AddedToken[] Read(JsonPlace place, IReadOnlyList<string> extraTokens, ModelFields model)
    {
        var vocabulary = model.Vocabulary ?? throw new TokenizerFormatException("model.vocab", "missing");
        var tokens = new List<AddedToken>();
        var known = new TokenTable();
        var next = (uint)vocabulary.Count;
        foreach (var item in place.IsNull ? [] : place.Items())
        {
            var content = item.Required("content").Text();
            if (content.Length == 0)
            {
                continue;
            }

            var bytes = Encoding.UTF8.GetBytes(content);
            var isKnown = known.TryGet(bytes, out var index);
            var id = isKnown ? tokens[(int)index].Id : vocabulary.TryGet(bytes, out var its) ? its : next++;
            var token = new AddedToken(
                content,
                id,
                item.Required("special").Bool(),
                item.Required("single_word").Bool(),
                item.Required("lstrip").Bool(),
                item.Required("rstrip").Bool(),
                item.Required("normalized").Bool());
            if (isKnown)
            {
                tokens[(int)index] = token;
            }
            else
            {
                known.Set(bytes, (uint)tokens.Count);
                tokens.Add(token);
            }
        }

        // What the engine's class adds is special, and found even where the vocabulary holds it.
        foreach (var content in extraTokens)
        {
            var bytes = Encoding.UTF8.GetBytes(content);
            if (!known.TryGet(bytes, out _))
            {
                known.Set(bytes, (uint)tokens.Count);
                tokens.Add(new AddedToken(content, vocabulary.TryGet(bytes, out var its) ? its : next++, true, false, false, false, false));
            }
        }

        return [.. tokens];
    }

    /// <summary>What finds the tokens that are matched after normalization, or before it. Null where there are none.</summary>
    public static AddedTokens? Finder(AddedToken[] tokens, bool normalized, TextNormalizer[] normalizers)
    {
        var contents = new TokenTable();
        for (var i = 0; i < tokens.Length; i++)
        {
            if (tokens[i].IsNormalized != normalized)
            {
                continue;
            }

            var content = Encoding.UTF8.GetBytes(tokens[i].Content);
            content = normalized ? Normalize(content, normalizers, i) : content;

            // Where two become the same, the first stands.
            if (!contents.TryGet(content, out _))
            {
                contents.Set(content, (uint)i);
            }
        }

        return contents.Count == 0 ? null : new AddedTokens(tokens, contents);
    }

    private static byte[] Normalize(byte[] content, TextNormalizer[] normalizers, int index)
    {
        var state = new NormalizerState(new PatternState());
        foreach (var normalizer in normalizers)
        {
            var output = new ByteBuffer(64);
            if (normalizer.Apply(content, output, state) != TokenizeStatus.Ok)
            {
                throw new TokenizerFormatException($"added_tokens[{index}].content", "the normalizer's pattern takes too many steps on it");
            }

            content = output.Span.ToArray();
        }

        return content;
    }
}
