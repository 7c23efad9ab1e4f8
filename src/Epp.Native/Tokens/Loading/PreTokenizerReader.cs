using Epp.Native.Tokens.Patterns;
using Epp.Native.Tokens.Splitting;
using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Loading;

/// <summary>Reads <c>pre_tokenizer</c> into a flat list of stages.</summary>
internal static class PreTokenizerReader
{
    private const int MaxDepth = 16;

    public static List<PreTokenStage> Read(JsonPlace place)
    {
        var stages = new List<PreTokenStage>();
        if (!place.IsNull)
        {
            Add(place, stages, 0);
        }

        return stages;
    }

    private static void Add(JsonPlace place, List<PreTokenStage> stages, int depth)
    {
        switch (place.Type)
        {
            case "Sequence":
                if (depth > MaxDepth)
                {
                    throw place.Error($"nested deeper than {MaxDepth}");
                }

                foreach (var item in place.Required("pretokenizers").Items())
                {
                    Add(item, stages, depth + 1);
                }

                break;
            case "ByteLevel":
                AddByteLevel(place, stages);
                break;
            case "Metaspace":
                AddMetaspace(place, stages);
                break;
            case "BertPreTokenizer":
                stages.Add(EachOf(CodePointSets.WhiteSpace, SplitBehavior.Removed));
                stages.Add(EachOf(CodePointSets.Punctuation, SplitBehavior.Isolated));
                break;
            default:
                stages.Add(One(place));
                break;
        }
    }

    private static PreTokenStage One(JsonPlace place) => place.Type switch
    {
        "Split" => new SplitStage(PatternReader.Read(place.Required("pattern")), Behavior(place.Required("behavior")), place.Required("invert").Bool()),
        "Digits" => EachOf(CodePointSets.Numeric, place.Required("individual_digits").Bool() ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
        "Punctuation" => EachOf(CodePointSets.Punctuation, place["behavior"] is { IsNull: false } behavior ? Behavior(behavior) : SplitBehavior.Isolated),
        "Whitespace" => new SplitStage(PatternCompiler.Compile(Words()), SplitBehavior.Removed, invert: true),
        "WhitespaceSplit" => EachOf(CodePointSets.WhiteSpace, SplitBehavior.Removed),
        "CharDelimiterSplit" => EachOf(CodePointRanges.Of(OneCharacter(place.Required("delimiter"))), SplitBehavior.Removed),
        "UnicodeScripts" => new ScriptStage(),
        "FixedLength" => FixedLength(place["length"]),
        var type => throw new TokenizerFormatException(place.Path + ".type", $"pre-tokenizer '{type}' is not supported"),
    };

    private static SplitStage EachOf(CodePointSet set, SplitBehavior behavior) => new(new RunPattern(set, 1, 1), behavior, invert: false);

    // \w+|[^\w\s]+ of an engine that is not the one of the other patterns.
    private static PatternNode Words()
    {
        var both = new CodePointRanges();
        both.Add(CodePointSets.RustWord);
        both.Add(CodePointSets.WhiteSpace);
        return new PatternNode(PatternNodeKind.Alternatives) { Children = [Run(CodePointSets.RustWord), Run(CodePointRanges.Invert(both.ToSet()))] };
    }

    private static PatternNode Run(CodePointSet set) =>
        new(PatternNodeKind.Repeat) { Children = [new PatternNode(PatternNodeKind.Set) { Set = set }], Min = 1, Max = PatternNode.Unlimited };

    private static void AddByteLevel(JsonPlace place, List<PreTokenStage> stages)
    {
        if (place.Required("add_prefix_space").Bool())
        {
            stages.Add(new PrefixSpaceStage());
        }

        if (place["use_regex"].BoolOr(true))
        {
            stages.Add(new SplitStage(new Gpt2Pattern(), SplitBehavior.Isolated, invert: false));
        }

        stages.Add(new ByteLevelStage());
    }

    private static void AddMetaspace(JsonPlace place, List<PreTokenStage> stages)
    {
        var mark = place.Required("replacement");
        var scheme = place["prepend_scheme"].TextOr("always") switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            var other => throw place["prepend_scheme"].Error($"'{other}' is none of always, first, never"),
        };
        if (!place["add_prefix_space"].BoolOr(true))
        {
            if (!place["prepend_scheme"].IsNull && scheme != PrependScheme.Never)
            {
                throw place["add_prefix_space"].Error("contradicts prepend_scheme");
            }

            scheme = PrependScheme.Never;
        }

        OneCharacter(mark);
        stages.Add(new MetaspaceStage(mark.Bytes(), scheme));
        if (place["split"].BoolOr(true))
        {
            stages.Add(new SplitStage(new LiteralPattern(mark.Bytes()), SplitBehavior.MergedWithNext, invert: false));
        }
    }

    private static FixedLengthStage FixedLength(JsonPlace place)
    {
        var length = place.IsNull ? 5 : place.Int();
        return length > 0 ? new FixedLengthStage(length) : throw place.Error("expected at least 1");
    }

    private static int OneCharacter(JsonPlace place)
    {
        var text = place.Text();
        var isOne = text.Length == 1 || (text.Length == 2 && char.IsSurrogatePair(text[0], text[1]));
        return isOne ? char.ConvertToUtf32(text, 0) : throw place.Error("expected one character");
    }

    private static SplitBehavior Behavior(JsonPlace place) => place.Text() switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        var other => throw place.Error($"behavior '{other}' is not known"),
    };
}
