using Epp.Native.Wire;

namespace Epp.Native.KvEvents.Dynamo;

/// <summary>
/// Decodes what Dynamo publishes about KV blocks, releases 0.9 … 1.6 alike (kv-routing §2.1, §2.2): an envelope or a bare payload; the payload
/// one RouterEvent or an array of them; MessagePack or JSON. Which it is, is read from the bytes. One event that cannot be read costs itself
/// only. Owns the arrays that the events' spans point into; not thread-safe, no allocation once they have grown.
/// </summary>
public sealed partial class DynamoEventDecoder(KvDecodeLimits? limits = null)
{
    private readonly KvDecodeLimits _limits = limits ?? KvDecodeLimits.Default;
    private readonly JsonToMsgPack _outerJson = new();
    private readonly JsonToMsgPack _innerJson = new();
    private readonly MsgPackWriter _payloadBytes = new();
    private ulong[] _hashes = new ulong[64];
    private ulong[] _tokensHashes = new ulong[64];

    /// <summary>Decodes one message: the payload of a NATS message, of a JetStream message, or the envelope of a ZMQ one.</summary>
    public KvDecodeResult Decode(ReadOnlySpan<byte> message, IKvEventSink sink)
    {
        var error = ReadEnvelope(message, out var envelope);
        return error == KvDecodeError.None ? DecodePayload(envelope.Payload, sink) : new KvDecodeResult(error);
    }

    /// <summary>
    /// Reads the envelope alone, of any topic. A message without one is its own payload, with an empty topic.
    /// </summary>
    public KvDecodeError ReadEnvelope(ReadOnlySpan<byte> message, out DynamoEnvelope envelope)
    {
        envelope = default;
        if (message.Length > _limits.MessageBytes)
        {
            return KvDecodeError.TooLarge;
        }

        if (!TryMsgPack(message, _outerJson, out var bytes))
        {
            return KvDecodeError.Malformed;
        }

        var reader = new MsgPackReader(bytes);
        if (!reader.TryReadMap(out var count))
        {
            envelope.Payload = bytes;
            return reader.Peek() == MsgPackKind.Array ? KvDecodeError.None
                : reader.Failed || reader.Peek() == MsgPackKind.None ? KvDecodeError.Malformed : KvDecodeError.WrongShape;
        }

        var read = default(DynamoEnvelope);
        var found = false;
        for (; count > 0; count--)
        {
            if (!TryReadEnvelopeField(ref reader, ref read, ref found))
            {
                return reader.Failed ? KvDecodeError.Malformed : KvDecodeError.WrongShape;
            }
        }

        if (!found)
        {
            read = new DynamoEnvelope { Payload = bytes };
        }
        else if (TryMsgPack(read.Payload, _innerJson, out var payload))
        {
            read.Payload = payload;
        }
        else
        {
            return KvDecodeError.Malformed;
        }

        envelope = read;
        return KvDecodeError.None;
    }

    /// <summary>Decodes RouterEvents in MessagePack: one, or an array.</summary>
    public KvDecodeResult DecodePayload(ReadOnlySpan<byte> payload, IKvEventSink sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        var whole = new MsgPackReader(payload);
        if (!whole.Skip())
        {
            return new KvDecodeResult(KvDecodeError.Malformed);
        }

        var reader = new MsgPackReader(payload);
        var isArray = reader.TryReadArray(out var count);
        if (!isArray && reader.Peek() != MsgPackKind.Map)
        {
            return new KvDecodeResult(KvDecodeError.WrongShape);
        }

        // Releases that send arrays clear one rank; those before them cleared the worker.
        return DecodeEvents(ref reader, isArray ? count : 1, clearsWorker: !isArray, sink);
    }

    private KvDecodeResult DecodeEvents(ref MsgPackReader reader, int count, bool clearsWorker, IKvEventSink sink)
    {
        var decoded = 0;
        var undecodable = 0;
        for (; count > 0 && !reader.Failed; count--)
        {
            var start = reader.Position;
            reader.Skip();
            if (TryDecodeEvent(reader.Since(start), clearsWorker, sink))
            {
                decoded++;
            }
            else
            {
                undecodable++;
            }
        }

        return new KvDecodeResult(KvDecodeError.None, decoded, undecodable);
    }

    private bool TryReadEnvelopeField(scoped ref MsgPackReader reader, scoped ref DynamoEnvelope envelope, scoped ref bool found)
    {
        if (!reader.TryReadText(out var key))
        {
            return reader.Skip() && reader.Skip();
        }

        if (key.SequenceEqual("publisher_id"u8))
        {
            envelope.PublisherId = NumberOrZero(ref reader);
        }
        else if (key.SequenceEqual("sequence"u8))
        {
            envelope.Sequence = NumberOrZero(ref reader);
        }
        else if (key.SequenceEqual("published_at"u8))
        {
            envelope.PublishedAtMs = NumberOrZero(ref reader);
        }
        else if (key.SequenceEqual("topic"u8))
        {
            envelope.Topic = reader.TryReadText(out var topic) ? topic : Skipped(ref reader);
        }
        else if (key.SequenceEqual("payload"u8))
        {
            found = true;
            return TryReadPayload(ref reader, ref envelope);
        }
        else
        {
            reader.Skip();
        }

        return !reader.Failed;
    }

    /// <summary>Bytes; in JSON a list of numbers. Anything else is the payload itself, not wrapped.</summary>
    private bool TryReadPayload(scoped ref MsgPackReader reader, scoped ref DynamoEnvelope envelope)
    {
        if (reader.TryReadBytes(out var bytes))
        {
            return Put(ref envelope, bytes);
        }

        var start = reader.Position;
        var list = reader;
        if (!reader.Skip())
        {
            return false;
        }

        if (!list.TryReadArray(out var count) || list.Peek() != MsgPackKind.Number)
        {
            return Put(ref envelope, reader.Since(start));
        }

        _payloadBytes.Clear();
        for (; count > 0; count--)
        {
            if (!list.TryReadInt32(byte.MaxValue, out var value))
            {
                return false;
            }

            _payloadBytes.WriteRaw([(byte)value]);
        }

        return Put(ref envelope, _payloadBytes.Written);
    }

    private static bool Put(scoped ref DynamoEnvelope envelope, ReadOnlySpan<byte> payload)
    {
        envelope.Payload = payload;
        return true;
    }

    /// <summary>JSON by its first byte, which no MessagePack container has.</summary>
    private static bool TryMsgPack(ReadOnlySpan<byte> bytes, JsonToMsgPack json, out ReadOnlySpan<byte> msgPack)
    {
        msgPack = bytes;
        return bytes.IsEmpty || bytes[0] is not ((byte)'{' or (byte)'[') || json.TryConvert(bytes, out msgPack);
    }

    private static ulong NumberOrZero(ref MsgPackReader reader)
    {
        if (!reader.TryReadUInt64(out var value))
        {
            reader.Skip();
        }

        return value;
    }

    private static ReadOnlySpan<byte> Skipped(scoped ref MsgPackReader reader)
    {
        reader.Skip();
        return default;
    }
}
