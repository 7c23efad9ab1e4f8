using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Splitting;

/// <summary>
/// UnicodeScripts: splits where the script changes, Hiragana and Katakana counting as Han. Characters of no script go with what stands
/// before them, and those at the start of a piece are dropped, as the library does.
/// </summary>
internal sealed class ScriptStage : PreTokenStage
{
    private readonly CodePointTable _scripts = new(UnicodeData.PreTokenizerScripts);

    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ReadOnlySpan<Piece> from, PieceList into, ByteBuffer output, PreTokenState state)
    {
        foreach (var piece in from)
        {
            var (start, last) = (-1, -1);
            for (var at = piece.Start; at < piece.End;)
            {
                var here = at;
                var script = _scripts[Utf8Text.Read(text, at, out at)];
                if (script == 0 || script == last)
                {
                    continue;
                }

                if (start >= 0)
                {
                    into.Add(start, here);
                }

                (start, last) = (here, script);
            }

            if (start >= 0)
            {
                into.Add(start, piece.End);
            }
        }

        return TokenizeStatus.Ok;
    }
}

/// <summary>FixedLength: pieces of so many characters.</summary>
internal sealed class FixedLengthStage(int length) : PreTokenStage
{
    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ReadOnlySpan<Piece> from, PieceList into, ByteBuffer output, PreTokenState state)
    {
        foreach (var piece in from)
        {
            var start = piece.Start;
            var count = 0;
            for (var at = start; at < piece.End;)
            {
                at += Utf8Text.LengthOf(text[at]);
                if (++count == length)
                {
                    into.Add(start, at);
                    (start, count) = (at, 0);
                }
            }

            into.Add(start, piece.End);
        }

        return TokenizeStatus.Ok;
    }
}
