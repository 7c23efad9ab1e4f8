namespace Epp.Native.Tokens.Loading;

/// <summary>Reads <c>post_processor</c> as far as it adds ids to a single text.</summary>
internal static class FrameReader
{
    private const int MaxDepth = 16;

    public static TokenFrame Read(JsonPlace place) => place.IsNull ? TokenFrame.Empty : Read(place, 0);

    private static TokenFrame Read(JsonPlace place, int depth)
    {
        switch (place.Type)
        {
            case "ByteLevel":
                // It trims offsets; ids stay.
                return TokenFrame.Empty;
            case "BertProcessing" or "RobertaProcessing":
                return new TokenFrame([Pair(place.Required("cls"))], [Pair(place.Required("sep"))]);
            case "TemplateProcessing":
                return Template(place);
            case "Sequence":
                var frame = TokenFrame.Empty;
                if (depth > MaxDepth)
                {
                    throw place.Error($"nested deeper than {MaxDepth}");
                }

                foreach (var item in place.Required("processors").Items())
                {
                    // A later one goes around what the ones before made.
                    var outer = Read(item, depth + 1);
                    frame = new TokenFrame([.. outer.Prefix, .. frame.Prefix], [.. frame.Suffix, .. outer.Suffix]);
                }

                return frame;
            case var type:
                throw new TokenizerFormatException(place.Path + ".type", $"post-processor '{type}' is not supported");
        }
    }

    // ["[CLS]", 101]
    private static uint Pair(JsonPlace place)
    {
        var items = place.Items();
        return items.Length == 2 ? items[1].Id() : throw place.Error("expected a token and its id");
    }

    private static TokenFrame Template(JsonPlace place)
    {
        var (prefix, suffix) = (new List<uint>(), new List<uint>());
        var seen = false;
        foreach (var piece in place.Required("single").Items())
        {
            if (piece["Sequence"] is { IsNull: false } sequence)
            {
                if (seen || sequence.Required("id").Text() != "A")
                {
                    throw piece.Error("a template that repeats the text, or wants a second one, is not supported");
                }

                seen = true;
                continue;
            }

            var name = piece.Required("SpecialToken").Required("id").Text();
            foreach (var id in place.Required("special_tokens").Required(name).Required("ids").Items())
            {
                (seen ? suffix : prefix).Add(id.Id());
            }
        }

        return seen ? new TokenFrame([.. prefix], [.. suffix]) : throw place.Error("a template without the text");
    }
}
