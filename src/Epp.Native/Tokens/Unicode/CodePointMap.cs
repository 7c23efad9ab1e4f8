namespace Epp.Native.Tokens.Unicode;

/// <summary>Maps code points to short runs of code points. Immutable; safe to share.</summary>
internal sealed class CodePointMap
{
    private readonly int[] _keys;
    private readonly int[] _starts;
    private readonly int[] _targets;

    // Bit per block of 64 code points that has a key: most code points miss without a search.
    private readonly ulong[] _blocks = new ulong[(CodePointTable.CodePoints >> 6) / 64];

    public CodePointMap(ReadOnlySpan<byte> packed)
    {
        var (keys, targets) = Sizes(packed);
        (_keys, _starts, _targets) = (new int[keys], new int[keys + 1], new int[targets]);
        var numbers = new PackedNumbers(packed);
        for (int i = 0, key = 0, at = 0; i < keys; i++)
        {
            key += numbers.Next();
            _keys[i] = key;
            _blocks[key >> 12] |= 1ul << (key >> 6);
            for (var n = numbers.Next(); n > 0; n--)
            {
                _targets[at++] = numbers.Next();
            }

            _starts[i + 1] = at;
        }
    }

    public int Count => _keys.Length;

    public int KeyAt(int i) => _keys[i];

    public ReadOnlySpan<int> TargetsAt(int i) => _targets.AsSpan(_starts[i], _starts[i + 1] - _starts[i]);

    /// <summary>False where the code point maps to itself.</summary>
    public bool TryGet(int codePoint, out ReadOnlySpan<int> targets)
    {
        targets = default;
        if ((_blocks[codePoint >> 12] & (1ul << (codePoint >> 6))) == 0)
        {
            return false;
        }

        var i = Array.BinarySearch(_keys, codePoint);
        if (i < 0)
        {
            return false;
        }

        targets = TargetsAt(i);
        return true;
    }

    private static (int Keys, int Targets) Sizes(ReadOnlySpan<byte> packed)
    {
        var numbers = new PackedNumbers(packed);
        var (keys, targets) = (0, 0);
        while (!numbers.AtEnd)
        {
            numbers.Next();
            keys++;
            for (var n = numbers.Next(); n > 0; n--, targets++)
            {
                numbers.Next();
            }
        }

        return (keys, targets);
    }
}
