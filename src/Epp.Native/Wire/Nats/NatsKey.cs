using System.Buffers.Text;

namespace Epp.Native.Wire.Nats;

/// <summary>
/// A user's NKey: Ed25519 seed and public key in the base32 form of NATS, <c>prefix | key | CRC-16, little-endian</c>
/// (https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth).
/// </summary>
public sealed class NatsKey
{
    private const byte SeedPrefix = 18 << 3;
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    private readonly byte[] _seed;

    private NatsKey(byte[] seed, byte type)
    {
        _seed = seed;
        Span<byte> bytes = stackalloc byte[35];
        bytes[0] = type;
        Ed25519.PublicKey(seed).CopyTo(bytes[1..]);
        var crc = Crc16(bytes[..33]);
        (bytes[33], bytes[34]) = ((byte)crc, (byte)(crc >> 8));
        Public = Encode(bytes);
    }

    /// <summary>The public key, <c>U…</c>.</summary>
    public string Public { get; }

    /// <summary>Reads a seed, <c>SU…</c>; null where it is none.</summary>
    public static NatsKey? Read(ReadOnlySpan<char> seed)
    {
        Span<byte> bytes = stackalloc byte[36];
        seed = seed.Trim();
        if (seed.Length != 58 || !TryDecode(seed, bytes) || (bytes[0] & 0xf8) != SeedPrefix || Crc16(bytes[..34]) != (bytes[34] | (bytes[35] << 8)))
        {
            return null;
        }

        return new NatsKey(bytes[2..34].ToArray(), (byte)(((bytes[0] & 7) << 5) | ((bytes[1] & 0xf8) >> 3)));
    }

    /// <summary>Reads the two parts of a credentials file; false where one is missing or no seed.</summary>
    public static bool TryReadCredentials(string text, out string jwt, out NatsKey? key)
    {
        jwt = Section(text, "NATS USER JWT");
        key = Read(Section(text, "USER NKEY SEED"));
        return jwt.Length > 0 && key is not null;
    }

    /// <summary>Signs a server's nonce; base64url without padding.</summary>
    public string Sign(ReadOnlySpan<byte> nonce) => Base64Url.EncodeToString(Ed25519.Sign(_seed, nonce));

    private static string Section(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        var begin = text.IndexOf($"BEGIN {name}", StringComparison.Ordinal);
        var start = begin < 0 ? -1 : text.IndexOf('\n', begin);
        var end = start < 0 ? -1 : text.IndexOf("---", start, StringComparison.Ordinal);
        return end < 0 ? "" : text[start..end].Trim();
    }

    private static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        var bits = 0;
        var held = 0u;
        var at = 0;
        foreach (var c in text)
        {
            var value = Alphabet.IndexOf(c, StringComparison.Ordinal);
            if (value < 0)
            {
                return false;
            }

            held = (held << 5) | (uint)value;
            bits += 5;
            if (bits >= 8 && at < bytes.Length)
            {
                bits -= 8;
                bytes[at++] = (byte)(held >> bits);
            }
        }

        return at == bytes.Length;
    }

    private static string Encode(ReadOnlySpan<byte> bytes)
    {
        Span<char> text = stackalloc char[56];
        var bits = 0;
        var held = 0u;
        var at = 0;
        foreach (var b in bytes)
        {
            held = (held << 8) | b;
            for (bits += 8; bits >= 5; bits -= 5)
            {
                text[at++] = Alphabet[(int)(held >> (bits - 5)) & 31];
            }
        }

        return new string(text[..at]);
    }

    /// <summary>CRC-16/XMODEM: polynomial 0x1021, start 0.</summary>
    private static int Crc16(ReadOnlySpan<byte> bytes)
    {
        var crc = 0;
        foreach (var b in bytes)
        {
            crc ^= b << 8;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = ((crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021 : 0)) & 0xffff;
            }
        }

        return crc;
    }
}
