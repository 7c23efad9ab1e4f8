using Epp.Native.Tokens.Normalizing;

namespace Epp.Native.Tokens.Unicode;

/// <summary>Decompositions, compositions and combining classes. Immutable; safe to share.</summary>
internal sealed class Decompositions
{
    /// <summary>Combining classes are numbered 0 … Classes - 1: their order is what counts.</summary>
    public const int Classes = 256;

    private const int SyllableBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TailBase = 0x11A7;
    private const int Leads = 19;
    private const int Vowels = 21;
    private const int Tails = 28;

    private static Decompositions? _default;

    private readonly CodePointMap _canonical = new(UnicodeData.Canonical);
    private readonly CodePointMap _compatibility = new(UnicodeData.Compatibility);
    private readonly CodePointTable _classes = new(UnicodeData.CombiningClasses);

    // Pairs that compose, open addressing by a product of the two; a key of 0 is empty.
    private readonly ulong[] _pairKeys = new ulong[PairSlots];
    private readonly int[] _pairValues = new int[PairSlots];

    private const int PairSlots = 4096;

    private Decompositions()
    {
        var flags = new byte[CodePointTable.CodePoints];
        flags.AsSpan().Fill(0x0F);
        var pairs = new CodePointMap(UnicodeData.Pairs);
        for (var i = 0; i < pairs.Count; i++)
        {
            var pair = pairs.TargetsAt(i);
            var slot = Slot(pair[0], pair[1]);
            (_pairKeys[slot], _pairValues[slot]) = (Key(pair[0], pair[1]), pairs.KeyAt(i));

            // The second of a pair may join what stands before it.
            flags[pair[1]] &= 0x05;
        }

        Mark(flags, pairs);
        Inert = new CodePointTable(flags);
    }

    public static Decompositions Default => _default ??= new();

    /// <summary>
    /// Bit per form (1 NFD, 2 NFC, 4 NFKD, 8 NFKC) of code points that the form leaves alone and that nothing before them reaches.
    /// </summary>
    public CodePointTable Inert { get; }

    public byte Class(int codePoint) => _classes[codePoint];

    public void Decompose(int codePoint, bool compatibility, CodePointBuffer into)
    {
        if ((uint)(codePoint - SyllableBase) < Leads * Vowels * Tails)
        {
            var index = codePoint - SyllableBase;
            into.Add(LeadBase + (index / (Vowels * Tails)));
            into.Add(VowelBase + (index % (Vowels * Tails) / Tails));
            if (index % Tails != 0)
            {
                into.Add(TailBase + (index % Tails));
            }

            return;
        }

        if ((compatibility && _compatibility.TryGet(codePoint, out var targets)) || _canonical.TryGet(codePoint, out targets))
        {
            foreach (var target in targets)
            {
                into.Add(target);
            }

            return;
        }

        into.Add(codePoint);
    }

    /// <summary>What the two compose to; -1 where they do not.</summary>
    public int Pair(int first, int second)
    {
        if ((uint)(first - LeadBase) < Leads && (uint)(second - VowelBase) < Vowels)
        {
            return SyllableBase + ((((first - LeadBase) * Vowels) + (second - VowelBase)) * Tails);
        }

        var syllable = first - SyllableBase;
        if ((uint)syllable < Leads * Vowels * Tails && syllable % Tails == 0 && second - TailBase is > 0 and < Tails)
        {
            return first + (second - TailBase);
        }

        var slot = Slot(first, second);
        return _pairKeys[slot] != 0 ? _pairValues[slot] : -1;
    }

    private static ulong Key(int first, int second) => ((ulong)(uint)first << 32) | (uint)second;

    // The slot of the pair, or the empty one where it would go.
    private int Slot(int first, int second)
    {
        var key = Key(first, second);
        var slot = (int)((key * 0x9E3779B97F4A7C15) >> 52);
        while (_pairKeys[slot] != 0 && _pairKeys[slot] != key)
        {
            slot = (slot + 1) & (PairSlots - 1);
        }

        return slot;
    }

    private void Mark(byte[] flags, CodePointMap pairs)
    {
        for (var c = 0; c < flags.Length; c++)
        {
            if (_classes[c] != 0)
            {
                flags[c] = 0;
            }
        }

        for (var i = 0; i < _canonical.Count; i++)
        {
            var c = _canonical.KeyAt(i);

            // A composed character stays itself where composition brings it back.
            flags[c] &= (byte)(pairs.TryGet(c, out _) ? 0x0A : 0);
        }

        for (var i = 0; i < _compatibility.Count; i++)
        {
            flags[_compatibility.KeyAt(i)] &= 0x03;
        }

        flags.AsSpan(VowelBase, Vowels).Fill(0x05);
        flags.AsSpan(TailBase + 1, Tails - 1).Fill(0x05);
        foreach (ref var syllable in flags.AsSpan(SyllableBase, Leads * Vowels * Tails))
        {
            syllable = 0x0A;
        }
    }
}
