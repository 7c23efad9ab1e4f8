namespace Epp.Native.Tokens.Unicode;

/// <summary>A set of code points: sorted ranges, and a bitmap of the first 65,536 for speed. Immutable; safe to share.</summary>
internal sealed class CodePointSet
{
    private const int MappedCodePoints = 0x10000;

    private readonly ulong[] _bitmap = new ulong[MappedCodePoints / 64];

    // Start, end (exclusive), start, end …: sorted, not touching.
    private readonly int[] _bounds;

    public CodePointSet(int[] bounds)
    {
        _bounds = bounds;
        for (var i = 0; i < bounds.Length; i += 2)
        {
            for (var c = bounds[i]; c < Math.Min(bounds[i + 1], MappedCodePoints); c++)
            {
                _bitmap[c >> 6] |= 1ul << c;
            }
        }
    }

    public ReadOnlySpan<int> Bounds => _bounds;

    public bool IsEmpty => _bounds.Length == 0;

    /// <summary>Expands (distance from the last end, length) pairs of <see cref="UnicodeData"/>.</summary>
    public static CodePointSet Unpack(ReadOnlySpan<byte> packed)
    {
        var numbers = new PackedNumbers(packed);
        var ranges = new CodePointRanges();
        for (var at = 0; !numbers.AtEnd;)
        {
            var start = at + numbers.Next();
            at = start + numbers.Next();
            ranges.Add(start, at);
        }

        return ranges.ToSet();
    }

    public bool Contains(int codePoint)
    {
        if (codePoint < MappedCodePoints)
        {
            return (_bitmap[codePoint >> 6] & (1ul << codePoint)) != 0;
        }

        // The number of bounds at or below the code point is odd inside a range.
        var (low, high) = (0, _bounds.Length);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (_bounds[middle] <= codePoint)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return (low & 1) != 0;
    }

    public bool Same(CodePointSet other) => _bounds.AsSpan().SequenceEqual(other._bounds);

    public int Count()
    {
        var count = 0;
        for (var i = 0; i < _bounds.Length; i += 2)
        {
            count += _bounds[i + 1] - _bounds[i];
        }

        return count;
    }
}
