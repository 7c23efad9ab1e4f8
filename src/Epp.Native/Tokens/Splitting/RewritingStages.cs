namespace Epp.Native.Tokens.Splitting;

/// <summary>When Metaspace puts its mark before a piece.</summary>
internal enum PrependScheme
{
    First,
    Never,
    Always,
}

/// <summary>Metaspace: spaces become the mark, and pieces that do not begin with it get one. The split at marks is a stage of its own.</summary>
internal sealed class MetaspaceStage(byte[] mark, PrependScheme scheme) : PreTokenStage
{
    public override bool Rewrites => true;

    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ReadOnlySpan<Piece> from, PieceList into, ByteBuffer output, PreTokenState state)
    {
        var startsInput = state.StartsInput;
        foreach (var piece in from)
        {
            var start = output.Length;
            var rest = text[piece.Start..piece.End];
            var marked = rest[0] == ' ' || rest.StartsWith(mark);
            if (!marked && (scheme == PrependScheme.Always || (scheme == PrependScheme.First && startsInput && piece.Start == 0)))
            {
                output.Append(mark);
            }

            while (rest.IndexOf((byte)' ') is >= 0 and var space)
            {
                output.Append(rest[..space]);
                output.Append(mark);
                rest = rest[(space + 1)..];
            }

            output.Append(rest);
            into.Add(start, output.Length);
        }

        return TokenizeStatus.Ok;
    }
}

/// <summary>ByteLevel's <c>add_prefix_space</c>: a space before pieces that do not begin with one.</summary>
internal sealed class PrefixSpaceStage : PreTokenStage
{
    public override bool Rewrites => true;

    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ReadOnlySpan<Piece> from, PieceList into, ByteBuffer output, PreTokenState state)
    {
        foreach (var piece in from)
        {
            var start = output.Length;
            if (text[piece.Start] != ' ')
            {
                output.Append(" "u8);
            }

            output.Append(text[piece.Start..piece.End]);
            into.Add(start, output.Length);
        }

        return TokenizeStatus.Ok;
    }
}

/// <summary>ByteLevel's last act: each byte becomes the character that stands for it. Left out where the model reads bytes itself.</summary>
internal sealed class ByteLevelStage : PreTokenStage
{
    public override bool Rewrites => true;

    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ReadOnlySpan<Piece> from, PieceList into, ByteBuffer output, PreTokenState state)
    {
        foreach (var piece in from)
        {
            var start = output.Length;
            foreach (var b in text[piece.Start..piece.End])
            {
                output.AppendCodePoint(ByteAlphabet.CharacterOf(b));
            }

            into.Add(start, output.Length);
        }

        return TokenizeStatus.Ok;
    }
}
