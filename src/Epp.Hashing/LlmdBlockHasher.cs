using System.Buffers.Binary;

namespace Epp.Hashing;

/// <summary>The two algorithms of llm-d's precise block keys.</summary>
public enum LlmdHashAlgorithm
{
    /// <summary><c>cbor-fnv</c>: FNV-1a-64 over canonical CBOR <c>[parent, [tokens], extras or null]</c>.</summary>
    CborFnv,

    /// <summary><c>xxh64</c>: XXH64 over parent, tokens and length-prefixed extras.</summary>
    XxHash64,
}

/// <summary>
/// Block keys of llm-d's precise prefix cache (llm-d-router <c>pkg/kvcache/kvblock</c>): a chain from the hash seed and the model name
/// over full blocks. Takes tokens as they arrive and allocates nothing. Not thread-safe.
/// </summary>
public sealed class LlmdBlockHasher
{
    private const int ParentBytes = 8;
    private const int CborUnsigned = 0;
    private const int CborText = 3;
    private const int CborArray = 4;
    private const byte CborNull = 0xF6;

    private readonly LlmdHashAlgorithm _algorithm;
    private readonly uint[] _window;
    private readonly byte[] _bytes;
    private readonly ulong _init;
    private int _held;
    private int _blocks;
    private ulong _parent;

    /// <param name="algorithm">Which of the two.</param>
    /// <param name="blockTokens">Tokens of a block, 1 … 65,536; llm-d's default is 16.</param>
    /// <param name="hashSeed">llm-d's <c>hashSeed</c>, UTF-8; may be empty.</param>
    public LlmdBlockHasher(LlmdHashAlgorithm algorithm, int blockTokens, ReadOnlySpan<byte> hashSeed = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockTokens, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(blockTokens, TokenBytes.MaxBlockTokens);
        _algorithm = algorithm;
        _window = new uint[blockTokens];
        _bytes = new byte[ParentBytes + (4 * blockTokens)];
        _init = algorithm == LlmdHashAlgorithm.CborFnv ? Fnv1a64.Hash(hashSeed) : Epp.Hashing.XxHash64.Hash(hashSeed);
        _parent = _init;
    }

    /// <summary>The hash of the seed: the parent of every root.</summary>
    public ulong Init => _init;

    /// <summary>The parent of a sequence's first block, from the model's name, UTF-8; an adapter's name takes the model's place.</summary>
    public ulong Root(ReadOnlySpan<byte> model)
    {
        if (_algorithm == LlmdHashAlgorithm.CborFnv)
        {
            var fnv = Start(_init);
            fnv.Append(CborNull);
            Text(ref fnv, model);
            return fnv.Digest;
        }

        Span<byte> head = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(head, _init);
        BinaryPrimitives.WriteUInt64LittleEndian(head[8..], (ulong)model.Length);
        var hash = new XxHash64(0);
        hash.Append(head);
        hash.Append(model);
        return hash.Digest();
    }

    /// <summary>Starts another sequence behind <paramref name="parent"/>: a root, or the key of the block before.</summary>
    public void Reset(ulong parent)
    {
        _parent = parent;
        _held = 0;
        _blocks = 0;
    }

    /// <summary>How many blocks become full with this many more tokens.</summary>
    public int BlocksAfter(int tokens) => (int)(((long)_held + tokens) / _window.Length);

    /// <summary>Takes more tokens and writes the keys of the blocks that became full; returns how many.</summary>
    /// <param name="tokens">The next tokens.</param>
    /// <param name="keys">Room for <see cref="BlocksAfter"/>.</param>
    /// <param name="extras">What else goes into the blocks since the reset; null = nothing.</param>
    public int Append(ReadOnlySpan<uint> tokens, Span<ulong> keys, LlmdExtraKeys? extras = null)
    {
        var written = 0;
        while (!tokens.IsEmpty)
        {
            var taken = Math.Min(tokens.Length, _window.Length - _held);
            ReadOnlySpan<uint> block = tokens[..taken];
            if (taken < _window.Length)
            {
                block.CopyTo(_window.AsSpan(_held));
                block = _window;
            }

            tokens = tokens[taken..];
            _held += taken;
            if (_held < _window.Length)
            {
                break;
            }

            _held = 0;
            _parent = _algorithm == LlmdHashAlgorithm.CborFnv ? Cbor(block, extras) : Xxh(block, extras);
            keys[written++] = _parent;
            _blocks++;
        }

        return written;
    }

    private ulong Xxh(ReadOnlySpan<uint> tokens, LlmdExtraKeys? extras)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes, _parent);
        TokenBytes.Write(tokens, _bytes.AsSpan(ParentBytes));
        if (extras is null || !extras.TryFind(_blocks, out var first, out var end) || first == end)
        {
            return Epp.Hashing.XxHash64.Hash(_bytes);
        }

        var hash = new XxHash64(0);
        hash.Append(_bytes);
        Span<byte> length = stackalloc byte[8];
        for (var i = first; i < end; i++)
        {
            var text = extras.Item(i);
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)text.Length);
            hash.Append(length);
            hash.Append(text);
        }

        return hash.Digest();
    }

    private ulong Cbor(ReadOnlySpan<uint> tokens, LlmdExtraKeys? extras)
    {
        var fnv = Start(_parent);
        Head(ref fnv, CborArray, (ulong)tokens.Length);
        foreach (var token in tokens)
        {
            Head(ref fnv, CborUnsigned, token);
        }

        if (extras is null || !extras.TryFind(_blocks, out var first, out var end))
        {
            fnv.Append(CborNull);
            return fnv.Digest;
        }

        Head(ref fnv, CborArray, (ulong)(end - first));
        for (var i = first; i < end; i++)
        {
            // A map of one entry, "Hash": text.
            fnv.Append([0xA1, 0x64, (byte)'H', (byte)'a', (byte)'s', (byte)'h']);
            Text(ref fnv, extras.Item(i));
        }

        return fnv.Digest;
    }

    private static Fnv1a64 Start(ulong parent)
    {
        var fnv = new Fnv1a64();
        Head(ref fnv, CborArray, 3);
        Head(ref fnv, CborUnsigned, parent);
        return fnv;
    }

    private static void Text(ref Fnv1a64 fnv, ReadOnlySpan<byte> text)
    {
        Head(ref fnv, CborText, (ulong)text.Length);
        fnv.Append(text);
    }

    /// <summary>Type and argument of a CBOR item (RFC 8949 §3), in the shortest form.</summary>
    private static void Head(ref Fnv1a64 fnv, int major, ulong value)
    {
        var type = major << 5;
        var bytes = 0;
        if (value < 24)
        {
            fnv.Append((byte)(type | (int)value));
            return;
        }

        if (value <= byte.MaxValue)
        {
            (type, bytes) = (type | 24, 1);
        }
        else if (value <= ushort.MaxValue)
        {
            (type, bytes) = (type | 25, 2);
        }
        else
        {
            (type, bytes) = value <= uint.MaxValue ? (type | 26, 4) : (type | 27, 8);
        }

        fnv.Append((byte)type);
        while (bytes-- > 0)
        {
            fnv.Append((byte)(value >> (8 * bytes)));
        }
    }
}
