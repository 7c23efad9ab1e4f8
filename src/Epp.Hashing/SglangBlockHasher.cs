using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Epp.Hashing;

/// <summary>
/// Page hashes of SGLang: SHA-256 over the previous digest and the page's tokens as u32 LE; events carry the first eight bytes as a signed
/// number. A bigram page (EAGLE) is its pairs one after the other. Takes tokens as they arrive. Not thread-safe.
/// </summary>
public sealed class SglangBlockHasher
{
    /// <summary>Bytes of a digest.</summary>
    public const int DigestBytes = SHA256.HashSizeInBytes;

    private readonly byte[] _bytes;
    private int _held = DigestBytes;
    private int _start = DigestBytes;

    /// <param name="pageTokens">Tokens of a page, 1 … 65,536; twice the page size for bigrams.</param>
    public SglangBlockHasher(int pageTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pageTokens, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pageTokens, TokenBytes.MaxBlockTokens);
        _bytes = new byte[DigestBytes + (4 * pageTokens)];
    }

    /// <summary>Starts another sequence.</summary>
    public void Reset()
    {
        _held = DigestBytes;
        _start = DigestBytes;
    }

    /// <summary>How many pages become full with this many more tokens.</summary>
    public int PagesAfter(int tokens) => (int)((_held - DigestBytes + (4L * tokens)) / (_bytes.Length - DigestBytes));

    /// <summary>Takes more tokens and writes the digests of the pages that became full; returns how many.</summary>
    public int Append(ReadOnlySpan<uint> tokens, Span<byte> digests)
    {
        var written = 0;
        while (!tokens.IsEmpty)
        {
            var taken = Math.Min(tokens.Length, (_bytes.Length - _held) / 4);
            TokenBytes.Write(tokens[..taken], _bytes.AsSpan(_held));
            tokens = tokens[taken..];
            _held += 4 * taken;
            if (_held == _bytes.Length)
            {
                EndPage(digests[(written++ * DigestBytes)..]);
            }
        }

        return written;
    }

    /// <summary>Ends a page that is not full and writes its digest; false where no token is pending.</summary>
    public bool Flush(Span<byte> digest)
    {
        if (_held == DigestBytes)
        {
            return false;
        }

        EndPage(digest);
        return true;
    }

    /// <summary>The number of a digest in events, as unsigned bits.</summary>
    public static ulong ToNumber(ReadOnlySpan<byte> digest) => BinaryPrimitives.ReadUInt64BigEndian(digest);

    /// <summary>The number of a block inside a cache namespace (0.5.23), from the 32-byte seed of the namespace.</summary>
    public static ulong Namespaced(ReadOnlySpan<byte> namespaceSeed, ulong number)
    {
        Span<byte> bytes = stackalloc byte[DigestBytes + 8];
        Span<byte> digest = stackalloc byte[DigestBytes];
        namespaceSeed[..DigestBytes].CopyTo(bytes);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[DigestBytes..], number);
        SHA256.HashData(bytes, digest);
        return ToNumber(digest);
    }

    private void EndPage(Span<byte> digest)
    {
        // The first page has no digest before it.
        SHA256.HashData(_bytes.AsSpan(_start, _held - _start), digest);
        digest[..DigestBytes].CopyTo(_bytes);
        _held = DigestBytes;
        _start = 0;
    }
}
