using Epp.Native.KvEvents.Dynamo;

namespace Epp.Native.Wire.Nats;

/// <summary>What a server says of itself in INFO.</summary>
/// <param name="Version">Its version.</param>
/// <param name="MaxPayloadBytes">Largest payload it takes.</param>
/// <param name="TlsRequired">Only TLS connections may go on.</param>
/// <param name="Nonce">What an NKey has to sign; empty = it asks for none.</param>
/// <param name="HasHeaders">It takes messages with headers.</param>
/// <param name="LameDuck">It will stop soon: another server should be used.</param>
public sealed record NatsServerInfo(string Version, long MaxPayloadBytes, bool TlsRequired, byte[] Nonce, bool HasHeaders, bool LameDuck)
{
    /// <summary>Reads the JSON of INFO; null where it is none.</summary>
    public static NatsServerInfo? Read(ReadOnlySpan<byte> json)
    {
        if (!new JsonToMsgPack().TryConvert(json, out var bytes))
        {
            return null;
        }

        var reader = new MsgPackReader(bytes);
        if (!reader.TryReadMap(out var count))
        {
            return null;
        }

        var info = new NatsServerInfo("", 1 << 20, false, [], false, false);
        for (; count > 0; count--)
        {
            if (!reader.TryReadText(out var key))
            {
                return null;
            }

            var start = reader.Position;
            reader.Skip();
            info = With(info, key, reader.Since(start));
        }

        return info;
    }

    private static NatsServerInfo With(NatsServerInfo info, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var reader = new MsgPackReader(value);
        var isTrue = value.Length == 1 && value[0] == 0xc3;
        if (key.SequenceEqual("version"u8) && reader.TryReadText(out var version))
        {
            return info with { Version = System.Text.Encoding.UTF8.GetString(version[..int.Min(version.Length, 64)]) };
        }

        if (key.SequenceEqual("nonce"u8) && reader.TryReadText(out var nonce))
        {
            return info with { Nonce = nonce.ToArray() };
        }

        if (key.SequenceEqual("max_payload"u8) && reader.TryReadUInt64(out var max))
        {
            return info with { MaxPayloadBytes = (long)ulong.Min(max, long.MaxValue) };
        }

        return key.SequenceEqual("tls_required"u8) ? info with { TlsRequired = isTrue }
            : key.SequenceEqual("headers"u8) ? info with { HasHeaders = isTrue }
            : key.SequenceEqual("ldm"u8) ? info with { LameDuck = isTrue }
            : info;
    }
}
