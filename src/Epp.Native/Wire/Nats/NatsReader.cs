using System.Buffers.Text;
using System.Text;

namespace Epp.Native.Wire.Nats;

/// <summary>What a NATS server said.</summary>
public enum NatsOp : byte
{
    /// <summary>Nothing complete; call again with more bytes.</summary>
    NeedMore = 0,

    /// <summary>INFO; the JSON is <see cref="NatsFrame.Text"/>.</summary>
    Info,

    /// <summary>MSG or HMSG.</summary>
    Message,

    /// <summary>PING: answer PONG.</summary>
    Ping,

    /// <summary>PONG.</summary>
    Pong,

    /// <summary>+OK.</summary>
    Ok,

    /// <summary>-ERR; the reason is <see cref="NatsFrame.Text"/>.</summary>
    Error,

    /// <summary>Not the protocol, or beyond a limit; <see cref="NatsFrame.Text"/> says what. Close the connection.</summary>
    Failed,
}

/// <summary>One frame of a server; its spans point into the input.</summary>
public ref struct NatsFrame
{
    /// <summary>Subject of a message.</summary>
    public ReadOnlySpan<byte> Subject { get; internal set; }

    /// <summary>Where an answer goes; empty = none is wanted.</summary>
    public ReadOnlySpan<byte> Reply { get; internal set; }

    /// <summary>Headers with their first line <c>NATS/1.0</c>; empty for MSG.</summary>
    public ReadOnlySpan<byte> Headers { get; internal set; }

    /// <summary>The payload.</summary>
    public ReadOnlySpan<byte> Payload { get; internal set; }

    /// <summary>JSON of INFO, reason of an error.</summary>
    public ReadOnlySpan<byte> Text { get; internal set; }

    /// <summary>The subscription it came for.</summary>
    public int Subscription { get; internal set; }

    /// <summary>Status in the first line of the headers, such as 503 for nobody listens; 0 = none.</summary>
    public readonly int Status
    {
        get
        {
            var rest = Headers.Length > 9 ? Headers[8..].TrimStart((byte)' ') : default;
            return Utf8Parser.TryParse(rest, out int status, out _) ? status : 0;
        }
    }
}

/// <summary>
/// Reads the NATS client protocol (https://docs.nats.io/reference/reference-protocols/nats-protocol) from the bytes received so far. Never throws
/// and never allocates.
/// </summary>
public static class NatsReader
{
    /// <summary>Bytes of a control line; INFO of a large cluster is the longest.</summary>
    public const int MaxLineBytes = 64 * 1024;

    /// <summary>Reads one frame.</summary>
    /// <param name="input">Every byte received and not consumed.</param>
    /// <param name="maxPayloadBytes">Bytes of a message, headers included.</param>
    /// <param name="frame">What was read.</param>
    /// <param name="consumed">Bytes of it.</param>
    public static NatsOp Read(ReadOnlySpan<byte> input, int maxPayloadBytes, out NatsFrame frame, out int consumed)
    {
        frame = default;
        consumed = 0;
        var end = input[..int.Min(input.Length, MaxLineBytes)].IndexOf((byte)'\n');
        if (end < 0)
        {
            return input.Length < MaxLineBytes ? NatsOp.NeedMore : Fail(ref frame, "sends a line without an end"u8);
        }

        var line = input[..end].TrimEnd((byte)'\r');
        var word = line.IndexOfAny((byte)' ', (byte)'\t');
        var operation = word < 0 ? line : line[..word];
        var rest = word < 0 ? default : line[(word + 1)..];
        consumed = end + 1;
        if (Is(operation, "MSG"u8) || Is(operation, "HMSG"u8))
        {
            return ReadMessage(input, rest, operation.Length == 4, maxPayloadBytes, ref frame, ref consumed);
        }

        frame.Text = rest.Trim((byte)' ');
        return Is(operation, "PING"u8) ? NatsOp.Ping
            : Is(operation, "PONG"u8) ? NatsOp.Pong
            : Is(operation, "+OK"u8) ? NatsOp.Ok
            : Is(operation, "-ERR"u8) ? NatsOp.Error
            : Is(operation, "INFO"u8) ? NatsOp.Info
            : Fail(ref frame, "does not speak NATS; check address and port"u8);
    }

    /// <summary><c>MSG subject sid [reply] bytes</c>, <c>HMSG subject sid [reply] header-bytes total-bytes</c>, then the bytes and CR LF.</summary>
    private static NatsOp ReadMessage(ReadOnlySpan<byte> input, ReadOnlySpan<byte> line, bool hasHeaders, int maxPayloadBytes, ref NatsFrame frame, scoped ref int consumed)
    {
        Span<Range> words = stackalloc Range[6];
        var count = Split(line, words);
        var numbers = hasHeaders ? 2 : 1;
        if (count - numbers is not (2 or 3)
            || !TryNumber(line[words[1]], int.MaxValue, out var subscription)
            || !TryNumber(line[words[count - 1]], int.MaxValue, out var total)
            || !TryNumber(line[words[count - numbers]], total, out var headerBytes))
        {
            return Fail(ref frame, "sends a malformed message line"u8);
        }

        if (total > maxPayloadBytes)
        {
            return Fail(ref frame, "sends a message beyond the limit"u8);
        }

        var start = consumed;
        if (input.Length - start < total + 2)
        {
            consumed = 0;
            return NatsOp.NeedMore;
        }

        if (input[start + total] != '\r' || input[start + total + 1] != '\n')
        {
            return Fail(ref frame, "sends a message of another length than it says"u8);
        }

        headerBytes = hasHeaders ? headerBytes : 0;
        frame.Subject = line[words[0]];
        frame.Reply = count - numbers == 3 ? line[words[2]] : default;
        frame.Headers = input.Slice(start, headerBytes);
        frame.Payload = input.Slice(start + headerBytes, total - headerBytes);
        frame.Subscription = subscription;
        consumed = start + total + 2;
        return NatsOp.Message;
    }

    private static int Split(ReadOnlySpan<byte> line, Span<Range> words)
    {
        var count = 0;
        for (var at = 0; at < line.Length;)
        {
            if (line[at] is (byte)' ' or (byte)'\t')
            {
                at++;
                continue;
            }

            var length = line[at..].IndexOfAny((byte)' ', (byte)'\t');
            length = length < 0 ? line.Length - at : length;
            if (count == words.Length)
            {
                return 0;
            }

            words[count++] = at..(at + length);
            at += length;
        }

        return count;
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, int max, out int value) =>
        Utf8Parser.TryParse(text, out value, out var used) && used == text.Length && value >= 0 && value <= max;

    private static bool Is(ReadOnlySpan<byte> word, ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(word, name);

    private static NatsOp Fail(ref NatsFrame frame, ReadOnlySpan<byte> reason)
    {
        frame.Text = reason;
        return NatsOp.Failed;
    }
}
