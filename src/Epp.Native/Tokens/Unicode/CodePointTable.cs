using System.Runtime.CompilerServices;

namespace Epp.Native.Tokens.Unicode;

/// <summary>
/// One byte per code point in two stages: blocks of 128, equal blocks stored once. Immutable; safe to share. Han, kana and Hangul, three bytes in
/// UTF-8, are mostly known by the first two.
/// </summary>
internal sealed class CodePointTable
{
    /// <summary>One more than the last code point.</summary>
    public const int CodePoints = 0x110000;

    private const int BlockBits = 7;
    private const int BlockSize = 1 << BlockBits;
    private const int RowSize = 64;
    private const byte Mixed = 31;

    private readonly ushort[] _blockOf = new ushort[CodePoints >> BlockBits];
    private byte[] _blocks = new byte[BlockSize * 64];
    private int _blockCount;

    // The value of 64 code points of the basic plane whose UTF-8 differs in the last of three bytes only, or Mixed.
    private readonly byte[] _rows = new byte[0x10000 / RowSize];

    /// <summary>Expands runs of (length, value).</summary>
    public CodePointTable(ReadOnlySpan<byte> packedRuns)
    {
        var flat = new byte[CodePoints];
        var runs = new PackedNumbers(packedRuns);
        for (var at = 0; !runs.AtEnd;)
        {
            var length = runs.Next();
            flat.AsSpan(at, length).Fill((byte)runs.Next());
            at += length;
        }

        Store(flat);
    }

    /// <summary>Stores one value per code point.</summary>
    public CodePointTable(byte[] values)
    {
        Store(values);
    }

    private void Store(ReadOnlySpan<byte> flat)
    {
        for (var block = 0; block < _blockOf.Length; block++)
        {
            _blockOf[block] = (ushort)Intern(flat.Slice(block << BlockBits, BlockSize));
        }

        Array.Resize(ref _blocks, _blockCount * BlockSize);
        for (var row = 0; row < _rows.Length; row++)
        {
            var values = flat.Slice(row * RowSize, RowSize);
            _rows[row] = values.IndexOfAnyExcept(values[0]) < 0 ? values[0] : Mixed;
        }
    }

    public byte this[int codePoint] => _blocks[(_blockOf[codePoint >> BlockBits] << BlockBits) | (codePoint & (BlockSize - 1))];

    /// <summary>The value of the code point at a position of a text, and where the next one starts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte At(ReadOnlySpan<byte> text, int at, out int next)
    {
        int first = text[at];
        if ((first & 0xF0) == 0xE0)
        {
            next = at + 3;
            var value = _rows[((first & 0x0F) << 6) | (text[at + 1] & 0x3F)];
            if (value != Mixed)
            {
                return value;
            }
        }

        return this[Utf8Text.Read(text, at, out next)];
    }

    /// <summary>The end of a run of code points that are known by the first two of three bytes and whose values, below 31, are in a mask.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int SkipRows(ReadOnlySpan<byte> text, int at, uint mask)
    {
        var rows = _rows;
        var known = mask & ~(1u << Mixed);
        while (at + 2 < text.Length && (text[at] & 0xF0) == 0xE0 && ((known >> rows[((text[at] & 0x0F) << 6) | (text[at + 1] & 0x3F)]) & 1) != 0)
        {
            at += 3;
        }

        return at;
    }

    private int Intern(ReadOnlySpan<byte> block)
    {
        // Newest first: neighbours are often equal.
        for (var i = _blockCount - 1; i >= 0; i--)
        {
            if (_blocks.AsSpan(i * BlockSize, BlockSize).SequenceEqual(block))
            {
                return i;
            }
        }

        if (_blockCount * BlockSize == _blocks.Length)
        {
            Array.Resize(ref _blocks, _blocks.Length * 2);
        }

        block.CopyTo(_blocks.AsSpan(_blockCount * BlockSize));
        return _blockCount++;
    }
}
