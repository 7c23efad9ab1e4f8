using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Epp.Native.Wire.Nats;

namespace Epp.Integration.Tests.KvEvents;

/// <summary>
/// An operator, an account and a user as NATS JWTs (https://docs.nats.io/running-a-nats-service/configuration/securing_nats/jwt): each signed with
/// the seed of the one above. What <c>nsc</c> would write into a server configuration and a credentials file.
/// </summary>
internal sealed class NatsJwts
{
    private const byte Operator = 14 << 3;
    private const byte Account = 0;
    private const byte User = 20 << 3;

    public NatsJwts()
    {
        var (operatorKey, _) = Make(Operator);
        var (accountKey, _) = Make(Account);
        var (userKey, userSeed) = Make(User);
        UserSeed = userSeed;
        var operatorJwt = Sign(operatorKey, operatorKey.Public, "o", """{"type":"operator","version":2}""");
        var accountJwt = Sign(operatorKey, accountKey.Public, "a", """{"limits":{"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,"wildcards":true,"conn":-1,"leaf":-1},"type":"account","version":2}""");
        var userJwt = Sign(accountKey, userKey.Public, "u", """{"pub":{},"sub":{},"subs":-1,"data":-1,"payload":-1,"type":"user","version":2}""");
        ServerConfiguration = $$"""
            operator: {{operatorJwt}}
            resolver: MEMORY
            resolver_preload: { {{accountKey.Public}}: {{accountJwt}} }
            """;
        Credentials = $"-----BEGIN NATS USER JWT-----\n{userJwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n{userSeed}\n------END USER NKEY SEED------\n";
    }

    public string ServerConfiguration { get; }

    public string Credentials { get; }

    public string UserSeed { get; }

    private static string Sign(NatsKey issuer, string subject, string name, string nats)
    {
        var header = Base64Url.EncodeToString("""{"typ":"JWT","alg":"ed25519-nkey"}"""u8);
        string Claims(string id) => $$"""{"jti":"{{id}}","iat":{{DateTimeOffset.UtcNow.ToUnixTimeSeconds()}},"iss":"{{issuer.Public}}","name":"{{name}}","sub":"{{subject}}","nats":{{nats}}}""";
        var claims = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Claims(Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Claims("")))))));
        return $"{header}.{claims}.{issuer.Sign(Encoding.ASCII.GetBytes($"{header}.{claims}"))}";
    }

    private static (NatsKey Key, string Seed) Make(byte type)
    {
        Span<byte> bytes = stackalloc byte[36];
        bytes[0] = (byte)((18 << 3) | (type >> 5));
        bytes[1] = (byte)((type & 31) << 3);
        RandomNumberGenerator.Fill(bytes[2..34]);
        var crc = 0;
        foreach (var b in bytes[..34])
        {
            crc ^= b << 8;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = ((crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021 : 0)) & 0xffff;
            }
        }

        (bytes[34], bytes[35]) = ((byte)crc, (byte)(crc >> 8));
        var text = new StringBuilder();
        var held = 0;
        var bits = 0;
        foreach (var b in bytes)
        {
            held = ((held << 8) | b) & 0xffff;
            for (bits += 8; bits >= 5; bits -= 5)
            {
                text.Append("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(held >> (bits - 5)) & 31]);
            }
        }

        text.Append("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(held << (5 - bits)) & 31]);
        return (NatsKey.Read(text.ToString()) ?? throw new InvalidOperationException($"{text} is no seed"), text.ToString());
    }
}
