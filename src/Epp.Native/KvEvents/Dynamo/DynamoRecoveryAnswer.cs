using Epp.Native.Wire;

namespace Epp.Native.KvEvents.Dynamo;

/// <summary>What a worker answers to a recovery query.</summary>
public enum DynamoRecoveryKind : byte
{
    /// <summary>No answer of this kind.</summary>
    Unknown = 0,

    /// <summary>The events from the one asked for.</summary>
    Events,

    /// <summary>The whole state; replaces what is known.</summary>
    TreeDump,

    /// <summary>The state cannot be dumped: begin empty at the number given.</summary>
    DumpFailed,

    /// <summary>The worker has nothing newer.</summary>
    TooNew,

    /// <summary>The range is malformed.</summary>
    InvalidRange,

    /// <summary>The worker refuses.</summary>
    Error,
}

/// <summary>An answer; its spans live until the reader's next call.</summary>
public ref struct DynamoRecoveryAnswer
{
    /// <summary>Which.</summary>
    public DynamoRecoveryKind Kind { get; internal set; }

    /// <summary>RouterEvents as a MessagePack array.</summary>
    public ReadOnlySpan<byte> Events { get; internal set; }

    /// <summary>Number of the newest event in it; meaningful with <see cref="HasLast"/>.</summary>
    public ulong Last { get; internal set; }

    /// <summary>The answer says its newest event (1.2 and later).</summary>
    public bool HasLast { get; internal set; }
}

/// <summary>
/// Requests and answers of the recovery endpoint (kv-routing §2.5): JSON up to 1.2, MessagePack from 1.4. An answer is <c>{data: {Variant: …},
/// complete_final}</c> or the variant alone. Not thread-safe.
/// </summary>
public sealed class DynamoRecoveryReader
{
    private readonly JsonToMsgPack _json = new();

    /// <summary>Reads an answer; false where it is none.</summary>
    public bool TryRead(ReadOnlySpan<byte> bytes, out DynamoRecoveryAnswer answer)
    {
        answer = default;
        if (!bytes.IsEmpty && bytes[0] == (byte)'{' && !_json.TryConvert(bytes, out bytes))
        {
            return false;
        }

        var reader = new MsgPackReader(bytes);
        if (!reader.TryReadMap(out var count))
        {
            return false;
        }

        for (; count > 0; count--)
        {
            if (!reader.TryReadText(out var key))
            {
                return false;
            }

            var start = reader.Position;
            if (!reader.Skip())
            {
                return false;
            }

            var value = reader.Since(start);
            if (key.SequenceEqual("data"u8))
            {
                return TryReadVariant(value, ref answer);
            }

            var kind = KindOf(key);
            if (kind != DynamoRecoveryKind.Unknown)
            {
                answer.Kind = kind;
                return TryReadBody(value, ref answer);
            }
        }

        return false;
    }

    /// <summary>The request, as the codec of the peer.</summary>
    public static void WriteRequest(MsgPackWriter writer, KvRank rank, ulong? start)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteRaw([0x84]);
        writer.WriteText("worker_id"u8);
        writer.WriteUInt64(rank.WorkerId);
        writer.WriteText("dp_rank"u8);
        writer.WriteUInt64(rank.DpRank);
        writer.WriteText("start_event_id"u8);
        if (start is { } first)
        {
            writer.WriteUInt64(first);
        }
        else
        {
            writer.WriteNil();
        }

        writer.WriteText("end_event_id"u8);
        writer.WriteNil();
    }

    /// <summary>The request as JSON.</summary>
    public static byte[] JsonRequest(KvRank rank, ulong? start) => System.Text.Encoding.ASCII.GetBytes(string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"{{\"worker_id\":{rank.WorkerId},\"dp_rank\":{rank.DpRank},\"start_event_id\":{(start is { } first ? first.ToString(System.Globalization.CultureInfo.InvariantCulture) : "null")},\"end_event_id\":null}}"));

    private static bool TryReadVariant(ReadOnlySpan<byte> value, ref DynamoRecoveryAnswer answer)
    {
        var reader = new MsgPackReader(value);
        if (!reader.TryReadMap(out var count) || count != 1 || !reader.TryReadText(out var key))
        {
            return false;
        }

        answer.Kind = KindOf(key);
        return answer.Kind != DynamoRecoveryKind.Unknown && TryReadBody(value[reader.Position..], ref answer);
    }

    private static DynamoRecoveryKind KindOf(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("Events"u8) ? DynamoRecoveryKind.Events
        : name.SequenceEqual("TreeDump"u8) ? DynamoRecoveryKind.TreeDump
        : name.SequenceEqual("TreeDumpFailed"u8) ? DynamoRecoveryKind.DumpFailed
        : name.SequenceEqual("TooNew"u8) ? DynamoRecoveryKind.TooNew
        : name.SequenceEqual("InvalidRange"u8) ? DynamoRecoveryKind.InvalidRange
        : name.SequenceEqual("Error"u8) ? DynamoRecoveryKind.Error
        : DynamoRecoveryKind.Unknown;

    /// <summary>A bare list of events (0.9), or a map that may hold one and the newest number.</summary>
    private static bool TryReadBody(ReadOnlySpan<byte> body, ref DynamoRecoveryAnswer answer)
    {
        var reader = new MsgPackReader(body);
        var needsEvents = answer.Kind is DynamoRecoveryKind.Events or DynamoRecoveryKind.TreeDump;
        if (reader.Peek() == MsgPackKind.Array)
        {
            answer.Events = body;
            return needsEvents;
        }

        if (!reader.TryReadMap(out var count))
        {
            return !needsEvents;
        }

        for (; count > 0; count--)
        {
            if (!reader.TryReadText(out var key))
            {
                return false;
            }

            var start = reader.Position;
            if (key.SequenceEqual("last_event_id"u8) && reader.TryReadUInt64(out var last))
            {
                (answer.Last, answer.HasLast) = (last, true);
            }
            else if (!reader.Skip())
            {
                return false;
            }
            else if (key.SequenceEqual("events"u8))
            {
                answer.Events = reader.Since(start);
            }
        }

        return !needsEvents || !answer.Events.IsEmpty;
    }
}
