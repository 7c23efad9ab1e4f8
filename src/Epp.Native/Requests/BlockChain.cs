using System.Buffers.Binary;
using Epp.Hashing;
using Epp.Native.Prefix;

namespace Epp.Native.Requests;

/// <summary>
/// Cuts a stream of bytes into blocks and chains their XXH64 hashes (plugins §5.2 for llm-d, §3.3 for GAIE). Whole blocks are hashed
/// where they lie; only a block that spans pieces goes through the incremental state.
/// </summary>
/// <remarks>
/// llm-d: h_i = XXH64(LE64(XXH64(block)) ‖ LE64(h_{i−1})), the last, shorter block included, filled with zeros to four bytes (one token).
/// GAIE: h_i = XXH64(block ‖ LE64(h_{i−1})), the last block left out unless it is full.
/// </remarks>
internal ref struct BlockChain
{
    private const int TokenBytes = 4;

    private readonly BlockHashes _into;
    private readonly bool _isGaie;
    private readonly int _blockBytes;
    private readonly int _maxBlocks;
    private readonly ulong _seed;
    private XxHash64 _block;
    private int _filled;
    private int _blocks;
    private ulong _previous;

    /// <param name="rules">Whose chain.</param>
    /// <param name="blockBytes">Bytes of one block, ≥ 1; a multiple of 4 for llm-d.</param>
    /// <param name="maxBlocks">Most blocks of one prompt; 0 = no limit.</param>
    /// <param name="seed">Hash of model and salt.</param>
    /// <param name="into">Receives the hashes.</param>
    public BlockChain(Dialect rules, int blockBytes, int maxBlocks, ulong seed, BlockHashes into)
    {
        _into = into;
        _isGaie = rules == Dialect.Gaie;
        _blockBytes = blockBytes;
        _maxBlocks = maxBlocks <= 0 ? int.MaxValue : maxBlocks;
        _seed = seed;
        _previous = seed;
    }

    /// <summary>True when further bytes of this prompt change nothing.</summary>
    public readonly bool IsFull => _blocks >= _maxBlocks;

    /// <summary>Adds bytes.</summary>
    public void Write(scoped ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && !IsFull)
        {
            if (_filled == 0 && bytes.Length >= _blockBytes)
            {
                var whole = bytes[.._blockBytes];
                Add(_isGaie ? XxHash64.Hash(whole, _previous, 0) : XxHash64.Hash(XxHash64.Hash(whole), _previous));
                bytes = bytes[_blockBytes..];
                continue;
            }

            if (_filled == 0)
            {
                _block = new XxHash64(0);
            }

            var n = Math.Min(_blockBytes - _filled, bytes.Length);
            _block.Append(bytes[..n]);
            _filled += n;
            bytes = bytes[n..];
            if (_filled == _blockBytes)
            {
                Close();
            }
        }
    }

    /// <summary>Adds one token.</summary>
    public void WriteToken(uint token)
    {
        Span<byte> bytes = stackalloc byte[TokenBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, token);
        Write(bytes);
    }

    /// <summary>Fills the current token with zeros.</summary>
    public void Align()
    {
        ReadOnlySpan<byte> zeros = [0, 0, 0];
        Write(zeros[..((TokenBytes - (_filled % TokenBytes)) % TokenBytes)]);
    }

    /// <summary>Ends the prompt; the next one starts its own chain.</summary>
    public void EndPrompt()
    {
        if (!_isGaie)
        {
            Align();
            if (_filled > 0)
            {
                Close();
            }
        }

        _into.EndPrompt();
        _filled = 0;
        _blocks = 0;
        _previous = _seed;
    }

    private void Close()
    {
        if (_isGaie)
        {
            Span<byte> previous = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(previous, _previous);
            _block.Append(previous);
            Add(_block.Digest());
        }
        else
        {
            Add(XxHash64.Hash(_block.Digest(), _previous));
        }

        _filled = 0;
    }

    private void Add(ulong hash)
    {
        _previous = hash;
        _into.Add(hash);
        _blocks++;
    }
}
