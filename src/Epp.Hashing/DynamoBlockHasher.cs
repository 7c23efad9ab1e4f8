using System.Buffers.Binary;
using System.Text;

namespace Epp.Hashing;

/// <summary>Multimodal hashes of a request's blocks, as Dynamo mixes them in; a default value means none.</summary>
/// <param name="hashes">All hashes, block by block, in any order inside a block; duplicates count.</param>
/// <param name="ends">For each block since the reset where its hashes end; blocks beyond have none.</param>
public readonly ref struct DynamoBlockObjects(ReadOnlySpan<ulong> hashes, ReadOnlySpan<int> ends)
{
    private readonly ReadOnlySpan<ulong> _hashes = hashes;
    private readonly ReadOnlySpan<int> _ends = ends;

    internal ReadOnlySpan<ulong> Of(int block)
    {
        if (block >= _ends.Length)
        {
            return default;
        }

        var start = block == 0 ? 0 : _ends[block - 1];
        return _hashes[start.._ends[block]];
    }
}

/// <summary>
/// Block hashes of NVIDIA Dynamo's KV router: each full block of tokens by XXH3-64 with a seed (the local hash), and the chain of local
/// hashes (the sequence hash). Takes tokens as they arrive; allocates only for a longer list of multimodal hashes than before. Not
/// thread-safe.
/// </summary>
public sealed class DynamoBlockHasher
{
    /// <summary>Seed of blocks without adapter and namespace, and of every chain.</summary>
    public const ulong BaseSeed = 1337;

    private const int PadBase = 1_000_000;
    private const ulong PadMask = (1UL << 30) - 1;

    private readonly int _blockTokens;
    private readonly int _windowTokens;
    private byte[] _window;
    private ulong[] _sorted = [];
    private XxHash3.SeededSecret _secret;
    private int _held;
    private int _blocks;
    private ulong _sequence;

    /// <param name="blockTokens">Tokens of a block, 1 … 65,536: the engine's KV block size.</param>
    /// <param name="eagle">Windows one token longer than their stride, for engines with EAGLE's bigrams.</param>
    public DynamoBlockHasher(int blockTokens, bool eagle = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockTokens, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(blockTokens, TokenBytes.MaxBlockTokens);
        _blockTokens = blockTokens;
        _windowTokens = blockTokens + (eagle ? 1 : 0);
        _window = new byte[4 * _windowTokens];
        Reset();
    }

    /// <summary>Blocks hashed since the reset.</summary>
    public int Blocks => _blocks;

    /// <summary>The seed of an adapter and a cache namespace, UTF-8; empty means none.</summary>
    public static ulong Seed(ReadOnlySpan<byte> lora, ReadOnlySpan<byte> cacheNamespace = default)
    {
        var seed = BaseSeed;
        seed += lora.IsEmpty ? 0 : XxHash3.Hash64(lora, 0);
        return seed + (cacheNamespace.IsEmpty ? 0 : XxHash3.Hash64(cacheNamespace, 1));
    }

    /// <summary>The sequence hash of a block from its parent's and its own local hash; the first block's is its local hash.</summary>
    public static ulong Chain(ulong parent, ulong local) => XxHash3.Hash64(parent, local, BaseSeed);

    /// <summary>The token that stands for a multimodal object in routing tokens.</summary>
    public static uint PadValue(ulong objectHash) => PadBase + (uint)(objectHash & PadMask);

    /// <summary>
    /// The 64-bit hash of a multimodal identifier: the first 16 digits of 64 hexadecimal ones, else the XXH3 of its UTF-8; false where it
    /// is empty.
    /// </summary>
    public static bool TryObjectHash(ReadOnlySpan<byte> identifier, out ulong hash)
    {
        hash = 0;
        if (identifier.IsEmpty)
        {
            return false;
        }

        if (identifier.Length == 64 && !identifier.ContainsAnyExcept(HexDigits))
        {
            Span<byte> bytes = stackalloc byte[8];
            Convert.FromHexString(Encoding.ASCII.GetString(identifier[..16])).CopyTo(bytes);
            hash = BinaryPrimitives.ReadUInt64BigEndian(bytes);
            return true;
        }

        hash = XxHash3.Hash64(identifier);
        return true;
    }

    /// <summary>Starts another sequence.</summary>
    /// <param name="seed">See <see cref="Seed"/>.</param>
    public void Reset(ulong seed = BaseSeed) => Resume(seed, 0, 0);

    /// <summary>Goes on with a sequence some of whose blocks were hashed before; the next token is the first of the next block.</summary>
    /// <param name="seed">See <see cref="Seed"/>.</param>
    /// <param name="blocks">Blocks hashed before.</param>
    /// <param name="sequence">The sequence hash of the last of them.</param>
    public void Resume(ulong seed, int blocks, ulong sequence)
    {
        if (_secret.Seed != seed)
        {
            _secret = new XxHash3.SeededSecret(seed);
        }

        _held = 0;
        _blocks = blocks;
        _sequence = sequence;
    }

    /// <summary>How many blocks become full with this many more tokens.</summary>
    public int BlocksAfter(int tokens)
    {
        var total = (long)_held + tokens;
        return total < _windowTokens ? 0 : (int)(((total - _windowTokens) / _blockTokens) + 1);
    }

    /// <summary>Takes more tokens and writes the hashes of the blocks that became full; returns how many.</summary>
    /// <param name="tokens">The next tokens.</param>
    /// <param name="local">Receives local hashes; room for <see cref="BlocksAfter"/>.</param>
    /// <param name="sequence">Receives sequence hashes, or is empty.</param>
    /// <param name="objects">Multimodal hashes of all blocks since the reset.</param>
    public int Append(ReadOnlySpan<uint> tokens, Span<ulong> local, Span<ulong> sequence = default, DynamoBlockObjects objects = default)
    {
        var written = 0;
        while (!tokens.IsEmpty)
        {
            var taken = Math.Min(tokens.Length, _windowTokens - _held);
            TokenBytes.Write(tokens[..taken], _window.AsSpan(4 * _held));
            tokens = tokens[taken..];
            _held += taken;
            if (_held < _windowTokens)
            {
                break;
            }

            var hash = Hash(objects.Of(_blocks));
            local[written] = hash;
            _sequence = _blocks == 0 ? hash : Chain(_sequence, hash);
            if (!sequence.IsEmpty)
            {
                sequence[written] = _sequence;
            }

            written++;
            _blocks++;
            _held = _windowTokens - _blockTokens;
            _window.AsSpan(4 * _blockTokens, 4 * _held).CopyTo(_window);
        }

        return written;
    }

    private static System.Buffers.SearchValues<byte> HexDigits { get; } = System.Buffers.SearchValues.Create("0123456789abcdefABCDEF"u8);

    private ulong Hash(ReadOnlySpan<ulong> objects)
    {
        var length = 4 * _windowTokens;
        if (objects.IsEmpty)
        {
            return XxHash3.Hash64(_window.AsSpan(0, length), in _secret);
        }

        if (_sorted.Length < objects.Length)
        {
            _sorted = new ulong[objects.Length];
            Array.Resize(ref _window, length + (8 * objects.Length));
        }

        var sorted = _sorted.AsSpan(0, objects.Length);
        objects.CopyTo(sorted);
        sorted.Sort();
        for (var i = 0; i < sorted.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_window.AsSpan(length + (8 * i)), sorted[i]);
        }

        return XxHash3.Hash64(_window.AsSpan(0, length + (8 * sorted.Length)), in _secret);
    }
}
