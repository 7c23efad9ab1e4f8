using System.Buffers.Binary;
using Epp.Native.Tokens.Normalizing;
using Epp.Native.Tokens.Patterns;
using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Loading;

/// <summary>Reads <c>normalizer</c>.</summary>
internal static class NormalizerReader
{
    private const int MaxDepth = 16;

    public static TextNormalizer[] Read(JsonPlace place)
    {
        var list = new List<TextNormalizer>();
        if (!place.IsNull)
        {
            Add(place, list, 0);
        }

        return [.. list];
    }

    private static void Add(JsonPlace place, List<TextNormalizer> list, int depth)
    {
        switch (place.Type)
        {
            case "Sequence":
                if (depth > MaxDepth)
                {
                    throw place.Error($"nested deeper than {MaxDepth}");
                }

                foreach (var item in place.Required("normalizers").Items())
                {
                    Add(item, list, depth + 1);
                }

                break;
            case "BertNormalizer":
                AddBert(place, list);
                break;
            default:
                list.Add(One(place));
                break;
        }
    }

    private static TextNormalizer One(JsonPlace place) => place.Type switch
    {
        "NFC" => new UnicodeNormalizer(compatibility: false, compose: true),
        "NFD" => new UnicodeNormalizer(compatibility: false, compose: false),
        "NFKC" => new UnicodeNormalizer(compatibility: true, compose: true),
        "NFKD" => new UnicodeNormalizer(compatibility: true, compose: false),
        "Lowercase" => new LowercaseNormalizer(),
        "StripAccents" => new DroppingNormalizer(CodePointSets.CombiningMark),
        "Nmt" => new NmtNormalizer(),
        "ByteLevel" => new ByteLevelNormalizer(),
        "Prepend" => new PrependNormalizer(place.Required("prepend").Bytes()),
        "Strip" => new StripNormalizer(place.Required("strip_left").Bool(), place.Required("strip_right").Bool()),
        "Replace" => new ReplaceNormalizer(PatternReader.Read(place.Required("pattern")), place.Required("content").Bytes()),
        "Precompiled" => Precompiled(place.Required("precompiled_charsmap")),
        var type => throw new TokenizerFormatException(place.Path + ".type", $"normalizer '{type}' is not supported"),
    };

    private static void AddBert(JsonPlace place, List<TextNormalizer> list)
    {
        var lowercase = place.Required("lowercase").Bool();
        if (place.Required("clean_text").Bool())
        {
            list.Add(new BertCleaner());
        }

        if (place.Required("handle_chinese_chars").Bool())
        {
            list.Add(new ChineseSpacer());
        }

        if (place["strip_accents"].BoolOr(lowercase))
        {
            list.Add(new UnicodeNormalizer(compatibility: false, compose: false));
            list.Add(new DroppingNormalizer(CodePointSets.Nonspacing));
        }

        if (lowercase)
        {
            list.Add(new LowercaseNormalizer());
        }
    }

    // A length, so many bytes of a trie of 32-bit units, then replacements that end in zeros.
    private static PrecompiledNormalizer Precompiled(JsonPlace place)
    {
        var map = Base64(place);
        var trieBytes = map.Length < 4 ? uint.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(map);
        if (trieBytes > (uint)(map.Length - 4))
        {
            throw place.Error("a character map that ends too early");
        }

        var trie = new uint[trieBytes / 4];
        for (var i = 0; i < trie.Length; i++)
        {
            trie[i] = BinaryPrimitives.ReadUInt32LittleEndian(map.AsSpan(4 + (4 * i)));
        }

        var replacements = map[(4 + (4 * trie.Length))..];
        return System.Text.Unicode.Utf8.IsValid(replacements) ? new PrecompiledNormalizer(trie, replacements) : throw place.Error("replacements are no UTF-8");
    }

    private static byte[] Base64(JsonPlace place)
    {
        try
        {
            return Convert.FromBase64String(place.Text());
        }
        catch (FormatException)
        {
            throw place.Error("expected base64");
        }
    }
}
