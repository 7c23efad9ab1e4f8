namespace Epp.Native.Templates.Values;

/// <summary>
/// Memory of one rendering: texts and lists are ranges of a few large blocks, all given back at once by <see cref="Reset"/>. A block is
/// never resized, so ranges stay valid. Reused; not thread-safe.
/// </summary>
internal sealed class Arena
{
    private const int BlockBytes = 128 << 10;
    private const int BlockValues = 4096;

    /// <summary>A value as <see cref="TemplateLimits.MaxWorkBytes"/> counts it.</summary>
    private const int ValueBytes = 24;

    /// <summary>Blocks kept between renderings, of either type: 4 MiB of text and 3 MiB of values.</summary>
    private const int KeptBlocks = 32;

    private byte[][] _blocks = new byte[4][];
    private Value[][] _valueBlocks = new Value[4][];
    private int _block;
    private int _used;
    private int _valueBlock;
    private int _valuesUsed;
    private long _left;

    /// <summary>True once more was asked for than the limit allows.</summary>
    public bool IsExhausted { get; private set; }

    public void Reset(int limitBytes)
    {
        Drop(_blocks, BlockBytes);
        Drop(_valueBlocks, BlockValues);
        _block = 0;
        _used = 0;
        _valueBlock = 0;
        _valuesUsed = 0;
        _left = limitBytes;
        IsExhausted = false;
    }

    /// <summary>Copies a text.</summary>
    public Value Text(ReadOnlySpan<byte> text, byte flag = 0)
    {
        if (text.IsEmpty)
        {
            return flag == 0 ? Value.EmptyText : Value.Range(ValueKind.Text, Array.Empty<byte>(), 0, 0, flag);
        }

        var block = TakeBytes(text.Length, out var start);
        if (block is null)
        {
            return Value.EmptyText;
        }

        text.CopyTo(block.AsSpan(start));
        return Value.Range(ValueKind.Text, block, start, text.Length, flag);
    }

    /// <summary>Room for bytes; null beyond the limit.</summary>
    public byte[]? TakeBytes(int count, out int start)
    {
        start = 0;
        if (!TryCharge(count))
        {
            return null;
        }

        if (_blocks[_block] is null || _blocks[_block].Length - _used < count)
        {
            NextBlock(count);
        }

        start = _used;
        _used += count;
        return _blocks[_block];
    }

    /// <summary>Copies values into a list, tuple, view or, as keys and values, a dict.</summary>
    public Value List(ValueKind kind, ReadOnlySpan<Value> values, byte flag = 0)
    {
        var block = TakeValues(values.Length, out var start);
        if (block is null)
        {
            return Value.EmptyList;
        }

        values.CopyTo(block.AsSpan(start));
        return Value.Range(kind, block, start, kind == ValueKind.Dict ? values.Length / 2 : values.Length, flag);
    }

    /// <summary>Room for values; null beyond the limit.</summary>
    public Value[]? TakeValues(int count, out int start)
    {
        start = 0;
        if (count == 0)
        {
            return [];
        }

        if (!TryCharge((long)count * ValueBytes))
        {
            return null;
        }

        if (_valueBlocks[_valueBlock] is null || _valueBlocks[_valueBlock].Length - _valuesUsed < count)
        {
            NextValueBlock(count);
        }

        start = _valuesUsed;
        _valuesUsed += count;
        return _valueBlocks[_valueBlock];
    }

    private bool TryCharge(long bytes)
    {
        _left -= bytes;
        IsExhausted |= _left < 0;
        return !IsExhausted;
    }

    private void NextBlock(int count)
    {
        // A block in use may have room, but then what comes next goes to the following one.
        _block += _blocks[_block] is null ? 0 : 1;
        if (_block == _blocks.Length)
        {
            Array.Resize(ref _blocks, _block * 2);
        }

        if (_blocks[_block] is null || _blocks[_block].Length < count)
        {
            _blocks[_block] = new byte[Math.Max(count, BlockBytes)];
        }

        _used = 0;
    }

    private void NextValueBlock(int count)
    {
        _valueBlock += _valueBlocks[_valueBlock] is null ? 0 : 1;
        if (_valueBlock == _valueBlocks.Length)
        {
            Array.Resize(ref _valueBlocks, _valueBlock * 2);
        }

        if (_valueBlocks[_valueBlock] is null || _valueBlocks[_valueBlock].Length < count)
        {
            _valueBlocks[_valueBlock] = new Value[Math.Max(count, BlockValues)];
        }

        _valuesUsed = 0;
    }

    /// <summary>Forgets blocks that are many or large, so that one large request does not stay in memory.</summary>
    private static void Drop(Array[] blocks, int size)
    {
        for (var i = 0; i < blocks.Length; i++)
        {
            if (blocks[i] is { } block && (i >= KeptBlocks || block.Length > size * 16))
            {
                blocks[i] = null!;
            }
        }
    }
}
