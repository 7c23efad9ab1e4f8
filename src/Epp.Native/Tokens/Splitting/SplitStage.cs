using Epp.Native.Tokens.Patterns;

namespace Epp.Native.Tokens.Splitting;

/// <summary>Splits at the matches of a pattern; inverted, at what the pattern leaves.</summary>
internal sealed class SplitStage(TextPattern pattern, SplitBehavior behavior, bool invert) : PreTokenStage
{
    /// <summary>A pattern that matches everywhere and whose every match is a piece; null where there is none.</summary>
    public WordPattern? Words { get; } = behavior == SplitBehavior.Isolated ? pattern.Words : null;

    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ReadOnlySpan<Piece> from, PieceList into, ByteBuffer output, PreTokenState state)
    {
        foreach (var piece in from)
        {
            var status = Split(text[piece.Start..piece.End], piece.Start, into, state.Patterns);
            if (status != TokenizeStatus.Ok)
            {
                return status;
            }
        }

        return TokenizeStatus.Ok;
    }

    private TokenizeStatus Split(ReadOnlySpan<byte> text, int offset, PieceList into, PatternState patterns)
    {
        var matches = new PatternMatches(pattern);
        var sink = new SplitSink(behavior, into, offset);
        var at = 0;
        while (matches.Next(text, patterns))
        {
            if (at != matches.Start)
            {
                sink.Add(at, matches.Start, invert);
            }

            at = matches.End;
            sink.Add(matches.Start, at, !invert);
        }

        if (at != text.Length)
        {
            sink.Add(at, text.Length, invert);
        }

        sink.Flush();
        return matches.Status;
    }
}

/// <summary>Turns stretches, delimiters and others, into pieces as a behaviour wants. One stretch is held back, because its neighbour may join it.</summary>
internal struct SplitSink(SplitBehavior behavior, PieceList pieces, int offset)
{
    private int _start;
    private int _end;
    private bool _held;
    private bool _lastWasDelimiter;

    public void Add(int start, int end, bool isDelimiter)
    {
        switch (behavior)
        {
            case SplitBehavior.Isolated:
                pieces.Add(offset + start, offset + end);
                return;
            case SplitBehavior.Removed:
                if (!isDelimiter)
                {
                    pieces.Add(offset + start, offset + end);
                }

                return;
        }

        var joins = behavior switch
        {
            SplitBehavior.Contiguous => isDelimiter == _lastWasDelimiter,
            SplitBehavior.MergedWithPrevious => isDelimiter && !_lastWasDelimiter,
            _ => _lastWasDelimiter && !isDelimiter,
        };
        if (_held && joins)
        {
            _end = end;
        }
        else
        {
            Flush();
            (_start, _end, _held) = (start, end, true);
        }

        _lastWasDelimiter = isDelimiter;
    }

    public void Flush()
    {
        if (_held)
        {
            pieces.Add(offset + _start, offset + _end);
            _held = false;
        }
    }
}
