using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Epp.Hashing;

/// <summary>vLLM's <c>--prefix-caching-hash-algo</c>.</summary>
public enum VllmHashAlgorithm
{
    /// <summary><c>sha256</c>, the default: SHA-256 of a pickle (protocol 5).</summary>
    Sha256,

    /// <summary><c>sha256_cbor</c>: SHA-256 of canonical CBOR.</summary>
    Sha256Cbor,

    /// <summary><c>xxhash</c>: XXH3-128 of a pickle.</summary>
    XxHash,

    /// <summary><c>xxhash_cbor</c>: XXH3-128 of canonical CBOR.</summary>
    XxHashCbor,
}

/// <summary>
/// vLLM's own block hashes, 0.11 to 0.33: each the hash of (parent digest, tokens, extra keys or None), the first parent being the hash of
/// the seed text. Maps an engine's hashes to prompts where its seed is known. Takes tokens as they arrive; allocates nothing in steady
/// state. Not thread-safe.
/// </summary>
public sealed class VllmBlockHasher
{
    /// <summary>Most tokens of a block, look-ahead included: its pickle then fits one 64 KiB frame.</summary>
    public const int MaxBlockTokens = 7168;

    /// <summary>The seed text of the sha256 algorithms from 0.30 on where PYTHONHASHSEED is not set.</summary>
    public const string DefaultSeed = "vllm-none-hash";

    private readonly VllmHashAlgorithm _algorithm;
    private readonly int _blockTokens;
    private readonly uint[] _window;
    private readonly PythonTuple _tuple = new();
    private readonly byte[] _none = new byte[SHA256.HashSizeInBytes];
    private readonly byte[] _parent = new byte[SHA256.HashSizeInBytes];
    private int _held;
    private int _blocks;

    /// <param name="algorithm">Which of the four.</param>
    /// <param name="blockTokens">Tokens of a block, 1 … <see cref="MaxBlockTokens"/>.</param>
    /// <param name="seed">The engine's PYTHONHASHSEED, or <see cref="DefaultSeed"/>; UTF-8, at most 255 bytes.</param>
    /// <param name="lookaheadTokens">Tokens after a block that its hash covers (0.33, speculative decoding); 0 = none.</param>
    public VllmBlockHasher(VllmHashAlgorithm algorithm, int blockTokens, ReadOnlySpan<byte> seed, int lookaheadTokens = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockTokens, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(lookaheadTokens);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)blockTokens + lookaheadTokens, MaxBlockTokens);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(seed.Length, byte.MaxValue);
        _algorithm = algorithm;
        _blockTokens = blockTokens;
        _window = new uint[blockTokens + lookaheadTokens];
        Hash(IsPickle ? _tuple.PickleText(seed) : _tuple.CborText(seed), _none);
        Reset();
    }

    /// <summary>Bytes of a digest: 32 or 16.</summary>
    public int DigestBytes => _algorithm is VllmHashAlgorithm.Sha256 or VllmHashAlgorithm.Sha256Cbor ? 32 : 16;

    /// <summary>The digest that stands before the first block.</summary>
    public ReadOnlySpan<byte> None => _none.AsSpan(0, DigestBytes);

    private bool IsPickle => _algorithm is VllmHashAlgorithm.Sha256 or VllmHashAlgorithm.XxHash;

    /// <summary>The number that stands for a digest in events: its last eight bytes, big-endian.</summary>
    public static ulong ToNumber(ReadOnlySpan<byte> digest) => BinaryPrimitives.ReadUInt64BigEndian(digest[^8..]);

    /// <summary>Starts another sequence.</summary>
    public void Reset()
    {
        _none.CopyTo(_parent, 0);
        _held = 0;
        _blocks = 0;
    }

    /// <summary>How many blocks become complete, look-ahead included, with this many more tokens.</summary>
    public int BlocksAfter(int tokens)
    {
        var total = (long)_held + tokens;
        return total < _window.Length ? 0 : (int)(((total - _window.Length) / _blockTokens) + 1);
    }

    /// <summary>Takes more tokens and writes the digests of the blocks that became complete; returns how many.</summary>
    /// <param name="tokens">The next tokens.</param>
    /// <param name="digests">Room for <see cref="BlocksAfter"/> times <see cref="DigestBytes"/>.</param>
    /// <param name="extras">Extra keys of the blocks since the reset; null = none.</param>
    public int Append(ReadOnlySpan<uint> tokens, Span<byte> digests, VllmExtraKeys? extras = null)
    {
        var written = 0;
        while (!tokens.IsEmpty)
        {
            var taken = Math.Min(tokens.Length, _window.Length - _held);
            tokens[..taken].CopyTo(_window.AsSpan(_held));
            tokens = tokens[taken..];
            _held += taken;
            if (_held < _window.Length)
            {
                break;
            }

            var digest = digests.Slice(written++ * DigestBytes, DigestBytes);
            var block = _window.AsSpan(0, _blockTokens);
            var next = _window.AsSpan(_blockTokens);
            var parent = _parent.AsSpan(0, DigestBytes);
            Hash(IsPickle ? _tuple.Pickle(parent, block, next, extras, _blocks) : _tuple.Cbor(parent, block, next, extras, _blocks), digest);
            digest.CopyTo(_parent);
            _blocks++;
            _held = next.Length;
            next.CopyTo(_window);
        }

        return written;
    }

    private void Hash(ReadOnlySpan<byte> bytes, Span<byte> digest)
    {
        if (_algorithm is VllmHashAlgorithm.Sha256 or VllmHashAlgorithm.Sha256Cbor)
        {
            SHA256.HashData(bytes, digest);
        }
        else
        {
            BinaryPrimitives.WriteUInt128BigEndian(digest, XxHash3.Hash128(bytes));
        }
    }
}
