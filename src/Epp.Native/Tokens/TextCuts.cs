using Epp.Hashing;
using Epp.Native.Tokens.Patterns;

namespace Epp.Native.Tokens;

/// <summary>
/// The places of one text where its beginning may be kept, and the one that shall be. Belongs to one encoder. A place is the end of an added
/// token from which the search goes on, no white space being taken along. Let two texts share their bytes up to n, and let n be such a place in
/// both: then the tokens before are the same. Whatever is decided by later bytes (a longer token, a bound at a word) lets the search go on
/// behind n, after which no token can end there.
/// </summary>
internal sealed class TextCuts(TokenPrefixCache cache, AddedTokens added)
{
    /// <summary>Bytes between two places at least, and places at most: a text of special tokens alone costs no more than others.</summary>
    private const int MinStep = 256, MaxCuts = 1024;

    private readonly int[] _ends = new int[MaxCuts];
    private readonly ulong[] _hashes = new ulong[MaxCuts];
    private ulong _keptHash;
    private int _keptFrom;
    private long _stepsBefore;

    /// <summary>Where <see cref="Keep"/> has to be called; −1 = nowhere.</summary>
    public int KeptEnd { get; private set; }

    /// <summary>The beginning that was found; null = none.</summary>
    public TokenPrefix? Known { get; private set; }

    /// <summary>The beginning that was kept; null = none.</summary>
    public TokenPrefix? Grown { get; private set; }

    /// <summary>Adds the ids of the longest beginning that is known, and returns its end; 0 where none is.</summary>
    public int Resume(ReadOnlySpan<byte> text, TokenBuffer ids, PatternState patterns)
    {
        Release();
        if (text.Length < TokenPrefixCache.MinBytes)
        {
            return 0;
        }

        (_keptFrom, _stepsBefore) = (ids.Count, patterns.Steps);
        var count = Find(text);
        var known = count - 1;
        var steps = patterns.Steps;
        while (known >= 0 && (Known = cache.Find(_hashes[known], text[.._ends[known]], ids, ref steps)) is null)
        {
            known--;
        }

        patterns.Steps = steps;
        for (var i = known + 1; i < count; i++)
        {
            if (cache.Saw(_hashes[i]))
            {
                (KeptEnd, _keptHash) = (_ends[i], _hashes[i]);
            }
        }

        return known < 0 ? 0 : _ends[known];
    }

    /// <summary>Forgets the last text.</summary>
    public void Release() => (KeptEnd, Known, Grown) = (-1, null, null);

    /// <summary>Keeps the text up to <see cref="KeptEnd"/>, whose ids are the last of the buffer.</summary>
    public void Keep(ReadOnlySpan<byte> text, TokenBuffer ids, PatternState patterns)
    {
        Grown = cache.Keep(_keptHash, text[..KeptEnd], ids.Ids[_keptFrom..], _stepsBefore - patterns.Steps);
        KeptEnd = -1;
    }

    private int Find(ReadOnlySpan<byte> text)
    {
        var (searched, used, last, hash, count) = (0, 0, 0, 0UL, 0);
        while (count < MaxCuts && added.Next(text, ref searched, used, out _, out var stop, out _))
        {
            used = stop;
            if (stop >= TokenPrefixCache.MinBytes && stop - last >= MinStep && stop == searched)
            {
                hash = XxHash3.Hash64(text[last..stop], hash);
                (_ends[count], _hashes[count]) = (stop, hash);
                (last, count) = (stop, count + 1);
            }
        }

        return count;
    }
}
