namespace Epp.Native.Tokens.Loading;

/// <summary>
/// Reads <c>post_processor</c> as far as it adds ids to a single text. One processor of a sequence hands the next a list of pieces, not one
/// list of ids: what a template put beside the text is a piece of its own, which a later processor frames as it would a second text.
/// </summary>
internal static class FrameReader
{
    private const int MaxDepth = 16, MaxPieces = 256;

    public static TokenFrame Read(JsonPlace place)
    {
        if (place.IsNull)
        {
            return TokenFrame.Empty;
        }

        var (prefix, suffix) = (new List<uint>(), new List<uint>());
        var seen = false;
        foreach (var piece in Read(place, [new FramePiece([], [], HoldsText: true)], 0))
        {
            (seen ? suffix : prefix).AddRange(piece.Before);
            seen |= piece.HoldsText;
            (seen ? suffix : prefix).AddRange(piece.After);
        }

        return new TokenFrame([.. prefix], [.. suffix]);
    }

    private static List<FramePiece> Read(JsonPlace place, List<FramePiece> pieces, int depth)
    {
        switch (place.Type)
        {
            case "ByteLevel":
                // It trims offsets; ids stay.
                return pieces;
            case "BertProcessing" or "RobertaProcessing":
                return Framed(place, pieces);
            case "TemplateProcessing":
                return Template(place, pieces);
            case "Sequence":
                if (depth > MaxDepth)
                {
                    throw place.Error($"nested deeper than {MaxDepth}");
                }

                foreach (var item in place.Required("processors").Items())
                {
                    pieces = Read(item, pieces, depth + 1);
                }

                return pieces;
            case var type:
                throw new TokenizerFormatException(place.Path + ".type", $"post-processor '{type}' is not supported");
        }
    }

    // Every piece but the first counts as a second text, before which Roberta puts a separator too.
    private static List<FramePiece> Framed(JsonPlace place, List<FramePiece> pieces)
    {
        var (start, end) = (Pair(place.Required("cls")), Pair(place.Required("sep")));
        var framed = new List<FramePiece>();
        foreach (var piece in pieces)
        {
            uint[] before = framed.Count == 0 ? [start] : place.Type == "RobertaProcessing" ? [end] : [];
            framed.Add(new FramePiece([.. before, .. piece.Before], [.. piece.After, end], piece.HoldsText));
        }

        return framed;
    }

    // ["[CLS]", 101]
    private static uint Pair(JsonPlace place)
    {
        var items = place.Items();
        return items.Length == 2 ? items[1].Id() : throw place.Error("expected a token and its id");
    }

    private static List<FramePiece> Template(JsonPlace place, List<FramePiece> pieces)
    {
        if (pieces.Count > 2)
        {
            throw place.Error("a template for more than two pieces is not supported");
        }

        var made = new List<FramePiece>();
        foreach (var item in place.Required(pieces.Count == 1 ? "single" : "pair").Items())
        {
            if (item["Sequence"] is { IsNull: false } sequence)
            {
                var index = sequence.Required("id").Text() == "A" ? 0 : 1;
                made.Add(index < pieces.Count ? pieces[index] : throw item.Error("a template that wants a second text is not supported"));
            }
            else
            {
                var name = item.Required("SpecialToken").Required("id").Text();
                var ids = place.Required("special_tokens").Required(name).Required("ids").Items();
                made.Add(new FramePiece(Array.ConvertAll(ids, static id => id.Id()), [], HoldsText: false));
            }
        }

        var texts = made.FindAll(static piece => piece.HoldsText).Count;
        return texts == 1 && made.Count <= MaxPieces ? made : throw place.Error("a template that repeats the text, or leaves it out, is not supported");
    }

    private sealed record FramePiece(uint[] Before, uint[] After, bool HoldsText);
}
