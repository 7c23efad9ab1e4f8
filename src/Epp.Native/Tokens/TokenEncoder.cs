using System.Text.Unicode;
using Epp.Native.Tokens.Models;
using Epp.Native.Tokens.Normalizing;
using Epp.Native.Tokens.Patterns;
using Epp.Native.Tokens.Splitting;

namespace Epp.Native.Tokens;

/// <summary>
/// Encodes texts with one <see cref="Tokenizer"/>. Not safe to share: each thread has its own. Allocates nothing once its buffers have
/// grown to the texts it sees.
/// </summary>
public sealed class TokenEncoder
{
    /// <summary>Longer texts are refused.</summary>
    public const int MaxTextBytes = 64 << 20;

    private readonly TokenizerParts _parts;
    private readonly PatternState _patterns = new();
    private readonly NormalizerState _normalizing;
    private readonly PreTokenState _splitting;
    private readonly ModelState _modelState = new();
    private readonly WordCache? _cache;
    private readonly WordPattern? _words;
    private readonly TextCuts? _cuts;
    private readonly ByteBuffer[] _normalized = [new(), new()];
    private readonly ByteBuffer[] _rewritten = [new(), new()];
    private readonly PieceList[] _pieces = [new(), new()];
    private readonly int[] _ends = new int[256];

    internal TokenEncoder(TokenizerParts parts, bool cached = true, TokenPrefixCache? prefixes = null)
    {
        _parts = parts;
        _normalizing = new NormalizerState(_patterns);
        _splitting = new PreTokenState(_patterns);
        _cache = cached ? new WordCache() : null;
        _cuts = prefixes is not null && parts.Raw is { } raw ? new TextCuts(prefixes, raw) : null;
        _words = parts is { Stages: [.., SplitStage { Words: { } words }] } && parts.Model.CutBefore.IsEmpty ? words : null;
    }

    /// <summary>What is kept of the last text's beginning. It concerns the ids as they were added, nothing cut from the front.</summary>
    public TokenBeginning Beginning { get; private set; }

    /// <summary>
    /// Adds the ids of a text; with special tokens, also those that the post-processor puts around it. Unless the result is
    /// <see cref="TokenizeStatus.Ok"/>, the ids are left as they were.
    /// </summary>
    public TokenizeStatus Encode(ReadOnlySpan<byte> text, bool addSpecialTokens, TokenBuffer ids)
    {
        Beginning = default;
        if (text.Length > MaxTextBytes)
        {
            return TokenizeStatus.TooLong;
        }

        if (!Utf8.IsValid(text))
        {
            return TokenizeStatus.InvalidUtf8;
        }

        // One budget for the whole text, however many pieces it falls into.
        _patterns.Begin(text.Length);
        var before = ids.Count;
        if (addSpecialTokens)
        {
            ids.Add(_parts.Frame.Prefix);
        }

        var status = Text(text, ids);
        if (addSpecialTokens)
        {
            ids.Add(_parts.Frame.Suffix);
        }

        if (status != TokenizeStatus.Ok)
        {
            ids.Truncate(before);
        }
        else if (_cuts is not null)
        {
            Beginning = new TokenBeginning(_cuts.Known, _cuts.Grown, addSpecialTokens ? _parts.Frame.Prefix.Length : 0);
        }

        return status;
    }

    /// <summary>Forgets <see cref="Beginning"/>, so that nothing is held that the cache has dropped.</summary>
    internal void Release()
    {
        Beginning = default;
        _cuts?.Release();
    }

    // Added tokens that are not normalized come first; what is between them is encoded by itself.
    private TokenizeStatus Text(ReadOnlySpan<byte> text, TokenBuffer ids)
    {
        var used = _cuts?.Resume(text, ids, _patterns) ?? 0;
        var searched = used;
        while (_parts.Raw is { } raw && raw.Next(text, ref searched, used, out var start, out var stop, out var id))
        {
            if (used < start && Segment(text[used..start], used == 0, ids) is not TokenizeStatus.Ok and var failure)
            {
                return failure;
            }

            ids.Add(id);
            used = stop;
            if (_cuts is not null && used == _cuts.KeptEnd && used == searched)
            {
                _cuts.Keep(text, ids, _patterns);
            }
        }

        return used < text.Length ? Segment(text[used..], used == 0, ids) : TokenizeStatus.Ok;
    }

    private TokenizeStatus Segment(ReadOnlySpan<byte> text, bool startsInput, TokenBuffer ids)
    {
        _normalizing.StartsInput = startsInput;
        var which = 0;
        foreach (var normalizer in _parts.Normalizers)
        {
            if (normalizer.Keeps(text))
            {
                continue;
            }

            var output = _normalized[which ^= 1];
            output.Clear();
            var status = normalizer.Apply(text, output, _normalizing);
            if (status != TokenizeStatus.Ok || output.Overflowed)
            {
                return status != TokenizeStatus.Ok ? status : TokenizeStatus.TooLong;
            }

            text = output.Span;
        }

        startsInput = _normalizing.StartsInput;
        var (searched, used) = (0, 0);
        while (_parts.Normalized is { } added && added.Next(text, ref searched, used, out var start, out var stop, out var id))
        {
            if (used < start && Part(text[used..start], startsInput && used == 0, ids) is not TokenizeStatus.Ok and var failure)
            {
                return failure;
            }

            ids.Add(id);
            used = stop;
        }

        return used < text.Length ? Part(text[used..], startsInput && used == 0, ids) : TokenizeStatus.Ok;
    }

    private TokenizeStatus Part(ReadOnlySpan<byte> text, bool startsInput, TokenBuffer ids)
    {
        _splitting.StartsInput = startsInput;
        var (which, buffer) = (0, 0);
        _pieces[0].Clear();
        _pieces[0].Add(0, text.Length);
        foreach (var stage in _parts.Stages.AsSpan(_words is null ? .. : ..^1))
        {
            var (from, into) = (_pieces[which], _pieces[which ^= 1]);
            into.Clear();
            var output = _rewritten[stage.Rewrites ? buffer ^= 1 : buffer];
            if (stage.Rewrites)
            {
                output.Clear();
            }

            var status = stage.Apply(text, from.Items, into, output, _splitting);
            if (status != TokenizeStatus.Ok || output.Overflowed)
            {
                return status != TokenizeStatus.Ok ? status : TokenizeStatus.TooLong;
            }

            text = stage.Rewrites ? output.Span : text;
        }

        return Words(text, _pieces[which].Items, ids);
    }

    // Where the last stage is one pattern that matches everywhere, its pieces need not be listed before they are looked up.
    private TokenizeStatus Words(ReadOnlySpan<byte> text, ReadOnlySpan<Piece> pieces, TokenBuffer ids)
    {
        var mark = _parts.Model.CutBefore;
        var (start, count) = (0, 0);
        foreach (var piece in pieces)
        {
            for (var at = piece.Start; at < piece.End; at = _ends[count - 1])
            {
                if (count > _ends.Length - WordPattern.MinEnds || (count > 0 && _ends[count - 1] != at))
                {
                    if (Row(text, start, count, ids) is not TokenizeStatus.Ok and var failure)
                    {
                        return failure;
                    }

                    count = 0;
                }

                start = count == 0 ? at : start;
                if (_words is not null)
                {
                    count += _words.Ends(text[..piece.End], at, _ends.AsSpan(count));
                }
                else
                {
                    _ends[count++] = mark.IsEmpty ? piece.End : Cut(text[..piece.End], at, mark);
                }
            }
        }

        return Row(text, start, count, ids);
    }

    // Where a word ends that may be cut before each mark that follows something else.
    private static int Cut(ReadOnlySpan<byte> text, int at, ReadOnlySpan<byte> mark)
    {
        while (text[at..].StartsWith(mark))
        {
            at += mark.Length;
        }

        var next = text[at..].IndexOf(mark);
        return next < 0 ? text.Length : at + next;
    }

    // Words that follow each other, up to the first ends.
    private TokenizeStatus Row(ReadOnlySpan<byte> text, int start, int count, TokenBuffer ids)
    {
        for (var ends = _ends.AsSpan(0, count); !ends.IsEmpty;)
        {
            var known = _cache?.Add(text, start, ends, ids) ?? 0;
            if (known == ends.Length)
            {
                break;
            }

            start = known > 0 ? ends[known - 1] : start;
            var status = Learn(text[start..ends[known]], ids);
            if (status != TokenizeStatus.Ok)
            {
                return status;
            }

            start = ends[known];
            ends = ends[(known + 1)..];
        }

        return TokenizeStatus.Ok;
    }

    private TokenizeStatus Learn(ReadOnlySpan<byte> word, TokenBuffer ids)
    {
        var before = ids.Count;
        var status = _parts.Model.Encode(word, _modelState, ids);
        if (word.Length > WordCache.MaxWordBytes)
        {
            _modelState.Trim();
        }
        else if (status == TokenizeStatus.Ok && ids.Count - before <= byte.MaxValue)
        {
            _cache?.Set(word, ids.Ids[before..]);
        }

        return status;
    }
}
