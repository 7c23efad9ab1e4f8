using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace Epp.Hashing;

/// <summary>Token ids as the engines hash them: four little-endian bytes each.</summary>
internal static class TokenBytes
{
    /// <summary>Most tokens of one block: far over any engine's, and it bounds the scratch memory of a hasher.</summary>
    public const int MaxBlockTokens = 1 << 16;

    /// <summary>Writes the tokens; <paramref name="into"/> has four bytes for each.</summary>
    public static void Write(ReadOnlySpan<uint> tokens, Span<byte> into)
    {
        if (BitConverter.IsLittleEndian)
        {
            while (tokens.Length >= Vector256<uint>.Count)
            {
                Vector256.Create(tokens).AsByte().CopyTo(into);
                tokens = tokens[Vector256<uint>.Count..];
                into = into[Vector256<byte>.Count..];
            }
        }

        for (var i = 0; i < tokens.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(into[(4 * i)..], tokens[i]);
        }
    }
}
