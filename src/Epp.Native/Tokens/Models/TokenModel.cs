namespace Epp.Native.Tokens.Models;

/// <summary>Turns one piece into ids. Immutable; what it needs while it runs is in <see cref="ModelState"/>.</summary>
internal abstract class TokenModel
{
    public abstract TokenizeStatus Encode(ReadOnlySpan<byte> piece, ModelState state, TokenBuffer ids);

    /// <summary>
    /// Where not empty, a piece may be cut before each of these marks that follows something else without changing its ids: no token
    /// holds such a place inside.
    /// </summary>
    public virtual ReadOnlySpan<byte> CutBefore => default;
}

/// <summary>Arrays that models work in. One per thread.</summary>
internal sealed class ModelState
{
    // Larger arrays are given back after the text that needed them.
    private const int KeptItems = 1 << 18;

    /// <summary>Symbols of the word at hand.</summary>
    public int[] Symbols { get; private set; } = new int[512];

    /// <summary>Neighbours of symbols, in words too long for scanning.</summary>
    public int[] Before { get; private set; } = [];

    public int[] After { get; private set; } = [];

    /// <summary>Merges by symbol, or the queue of them.</summary>
    public ulong[] Merges { get; set; } = new ulong[512];

    /// <summary>Merges of long words by rank.</summary>
    public MergeRounds.RoundState Rounds { get; } = new();

    /// <summary>Best score of the text up to each byte, where its last token starts, and which it is.</summary>
    public double[] Scores { get; private set; } = [];

    /// <summary>A token with its prefix and suffix.</summary>
    public ByteBuffer Text { get; } = new(256);

    /// <summary>Gives back what a long word needed.</summary>
    public void Trim()
    {
        if (Symbols.Length > KeptItems || Merges.Length > KeptItems || Scores.Length > KeptItems)
        {
            (Symbols, Merges) = (new int[512], new ulong[512]);
            (Before, After, Scores) = ([], [], []);
        }
    }

    public void ReserveSymbols(int count)
    {
        if (Symbols.Length < count)
        {
            Symbols = new int[Math.Max(count, Symbols.Length * 2)];
        }
    }

    public void ReserveLinks(int count)
    {
        if (Before.Length < count)
        {
            (Before, After) = (new int[count], new int[count]);
        }
    }

    public void ReserveMerges(int count)
    {
        if (Merges.Length < count)
        {
            Merges = new ulong[Math.Max(count, Merges.Length * 2)];
        }
    }

    public void ReservePath(int count)
    {
        ReserveLinks(count);
        if (Scores.Length < count)
        {
            Scores = new double[count];
        }
    }
}
