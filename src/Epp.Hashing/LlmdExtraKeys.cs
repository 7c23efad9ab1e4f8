namespace Epp.Hashing;

/// <summary>One multimodal object of a tokenized prompt.</summary>
/// <param name="Hash">Its content hash, text as UTF-8.</param>
/// <param name="Offset">First token it stands for, ≥ 0.</param>
/// <param name="Length">How many tokens, ≥ 0.</param>
public readonly record struct LlmdFeature(ReadOnlyMemory<byte> Hash, int Offset, int Length);

/// <summary>
/// What goes into llm-d's block keys beside the tokens: hashes of the multimodal objects that overlap a block, in order of their start,
/// and in block 0 the cache salt last. Reused; not thread-safe.
/// </summary>
public sealed class LlmdExtraKeys
{
    private byte[] _text = [];
    private int _textLength;
    private (int Start, int Length)[] _items = [];
    private int _itemCount;
    private int[] _blocks = [];
    private int[] _firstItems = [];
    private int _blockCount;

    /// <summary>Forgets everything; keeps the memory.</summary>
    public void Clear()
    {
        _textLength = 0;
        _itemCount = 0;
        _blockCount = 0;
    }

    /// <summary>Fills from a prompt's objects and salt.</summary>
    /// <param name="features">In any order.</param>
    /// <param name="cacheSalt">UTF-8; empty = none.</param>
    /// <param name="blockTokens">Tokens of a block.</param>
    /// <param name="blocks">Full blocks of the prompt: objects beyond them count for nothing.</param>
    public void Fill(ReadOnlySpan<LlmdFeature> features, ReadOnlySpan<byte> cacheSalt, int blockTokens, int blocks)
    {
        Clear();
        var order = new int[features.Length];
        var starts = new long[features.Length];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
            starts[i] = features[i].Offset;
        }

        MemoryExtensions.Sort(starts.AsSpan(), order.AsSpan());
        for (var block = 0; block < blocks; block++)
        {
            var begun = false;
            var first = (long)block * blockTokens;
            foreach (var i in order)
            {
                var feature = features[i];
                if (feature.Offset >= first + blockTokens)
                {
                    break;
                }

                if ((long)feature.Offset + feature.Length > first && feature.Length > 0)
                {
                    AddTo(block, feature.Hash.Span, ref begun);
                }
            }

            if (block == 0 && !cacheSalt.IsEmpty)
            {
                AddTo(block, cacheSalt, ref begun);
            }
        }
    }

    /// <summary>Opens a block; blocks come in ascending order. One that stays empty still differs from none for <c>cbor-fnv</c>.</summary>
    public void BeginBlock(int block)
    {
        if (_blockCount > 0 && block <= _blocks[_blockCount - 1])
        {
            throw new ArgumentOutOfRangeException(nameof(block), $"block {block} follows block {_blocks[_blockCount - 1]}; add blocks in ascending order");
        }

        if (_blockCount == _blocks.Length)
        {
            Array.Resize(ref _blocks, Math.Max(16, 2 * _blockCount));
            Array.Resize(ref _firstItems, _blocks.Length);
        }

        _blocks[_blockCount] = block;
        _firstItems[_blockCount++] = _itemCount;
    }

    /// <summary>Adds a text, UTF-8, to the block that is open.</summary>
    public void Add(ReadOnlySpan<byte> text)
    {
        if (_textLength + text.Length > _text.Length)
        {
            Array.Resize(ref _text, Math.Max(256, 2 * (_textLength + text.Length)));
        }

        if (_itemCount == _items.Length)
        {
            Array.Resize(ref _items, Math.Max(16, 2 * _itemCount));
        }

        text.CopyTo(_text.AsSpan(_textLength));
        _items[_itemCount++] = (_textLength, text.Length);
        _textLength += text.Length;
    }

    internal bool TryFind(int block, out int first, out int end)
    {
        var at = Array.BinarySearch(_blocks, 0, _blockCount, block);
        first = at < 0 ? 0 : _firstItems[at];
        end = at < 0 ? 0 : at + 1 < _blockCount ? _firstItems[at + 1] : _itemCount;
        return at >= 0;
    }

    internal ReadOnlySpan<byte> Item(int index) => _text.AsSpan(_items[index].Start, _items[index].Length);

    private void AddTo(int block, ReadOnlySpan<byte> text, ref bool begun)
    {
        if (!begun)
        {
            BeginBlock(block);
            begun = true;
        }

        Add(text);
    }
}
