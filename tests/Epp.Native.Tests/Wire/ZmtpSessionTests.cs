using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Epp.Native.Tests.KvEvents;
using Epp.Native.Wire.Zmtp;
using Epp.Testing;

namespace Epp.Native.Tests.Wire;

/// <summary>One side of a ZMTP connection against recorded bytes of libzmq, by the specification, and against damaged bytes.</summary>
[Trait("Category", "Unit")]
public sealed class ZmtpSessionTests
{
    private static readonly ZmtpOptions Sub = new(ZmtpSocketType.Sub, MaxMessageBytes: 1 << 20);
    private static readonly ZmtpOptions Dealer = new(ZmtpSocketType.Dealer, MaxMessageBytes: 1 << 20);

    [SkippableFact]
    [Trait("Category", "Golden")]
    public void Session_EveryRecordedConnection_SaysWhatLibzmqSaid()
    {
        var sessions = 0;
        foreach (var row in Directory.GetFiles(Golden.Require("kv"), "zmtp*.jsonl").SelectMany(Json.Rows).Where(static r => r.At("log").IsSet()))
        {
            foreach (var side in new[] { "connecting->binding", "binding->connecting" })
            {
                sessions += Replay(row, side) ? 1 : 0;
            }
        }

        Assert.True(sessions > 3, $"only {sessions} recorded sides could be played");
    }

    [Fact]
    public void Advance_ByteByByte_GivesTheSameMessages()
    {
        var peer = Bytes(Greeting(), ReadyOf("PUB"), [0x01, 1, (byte)'t', 0x04, 7, 4, .. "PING"u8, 0, 10, 0x00, 2, 8, 9], [0x04, 3, 2, .. "XX"u8], [0x00, 0]);
        var whole = Run(new ZmtpSession(Sub, []), peer, peer.Length);
        var single = Run(new ZmtpSession(Sub, []), peer, 1);
        Assert.Equal(["t|\u0008\u0009", ""], whole.Messages);
        Assert.Equal(whole.Messages, single.Messages);
        Assert.Equal(whole.Output, single.Output);
        Assert.Contains("PONG", Encoding.Latin1.GetString(whole.Output), StringComparison.Ordinal);
    }

    [Fact]
    public void Subscribe_PeerOf30_GetsTheMessageForm()
    {
        var greeting = Greeting();
        greeting[11] = 0;
        var session = new ZmtpSession(Sub, "kv@"u8.ToArray());
        var output = Run(session, Bytes(greeting, ReadyOf("PUB")), 7).Output;
        Assert.EndsWith("\0\u0004\u0001kv@", Encoding.Latin1.GetString(output), StringComparison.Ordinal);
        Assert.False(session.CanPing);
    }

    [Fact]
    public void Plain_ClientAndServer_AgreeOrRefuse()
    {
        foreach (var (password, agreed) in new[] { ("secret", true), ("wrong", false) })
        {
            var client = new ZmtpSession(Dealer with { User = "epp"u8.ToArray(), Password = Encoding.ASCII.GetBytes(password) });
            var server = new ZmtpSession(Dealer with { User = "epp"u8.ToArray(), Password = "secret"u8.ToArray(), AsServer = true });
            var toServer = new List<byte>();
            var toClient = new List<byte>();
            for (var round = 0; round < 8; round++)
            {
                Step(client, toClient, toServer);
                Step(server, toServer, toClient);
            }

            Assert.Equal(agreed, client.CanPing && server.CanPing);
            Assert.Equal(agreed ? "" : "refuses the connection: 'denied'", client.Failure);
        }
    }

    [Theory]
    [InlineData("00", "does not speak ZMTP 3")]
    [InlineData("ff00000000000000017f01", "does not speak ZMTP 3")]
    [InlineData("ff00000000000000007e", "does not speak ZMTP 3")]
    public void Greeting_OfAnotherProtocol_FailsAtOnce(string hex, string failure)
    {
        var session = new ZmtpSession(Sub);
        Assert.Equal(ZmtpStep.Failed, session.Advance(Convert.FromHexString(hex), out _));
        Assert.StartsWith(failure, session.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Advance_BrokenPeers_FailWithTheReason()
    {
        Assert.StartsWith("wants the security mechanism 'CURVE'", FailureOf(Sub, Greeting("CURVE")), StringComparison.Ordinal);
        Assert.StartsWith("is a 'PULL' socket", FailureOf(Sub, Greeting(), ReadyOf("PULL")), StringComparison.Ordinal);
        Assert.StartsWith("sent metadata that ends early", FailureOf(Sub, Greeting(), [0x04, 12, 5, .. "READY"u8, 2, .. "ab"u8, 0, 0, 0]), StringComparison.Ordinal);
        Assert.StartsWith("sent a message before", FailureOf(Sub, Greeting(), [0, 1, 1]), StringComparison.Ordinal);
        Assert.StartsWith("announces a frame of 1048577 bytes", FailureOf(Sub, Greeting(), ReadyOf("PUB"), [2, 0, 0, 0, 0, 0, 0x10, 0, 1]), StringComparison.Ordinal);
        Assert.StartsWith("announces a frame of 18446744073709551615", FailureOf(Sub, Greeting(), ReadyOf("PUB"), [2, 255, 255, 255, 255, 255, 255, 255, 255]), StringComparison.Ordinal);
        Assert.StartsWith("sent the frame flags 0x08", FailureOf(Sub, Greeting(), ReadyOf("PUB"), [8, 1, 0]), StringComparison.Ordinal);
        Assert.StartsWith("sent a message of more than 16 frames", FailureOf(Sub, Greeting(), ReadyOf("PUB"), [.. Enumerable.Repeat<byte[]>([1, 1, 0], 17).SelectMany(static f => f)]), StringComparison.Ordinal);
        Assert.StartsWith("sent a command without a name", FailureOf(Sub, Greeting(), ReadyOf("PUB"), [4, 1, 200]), StringComparison.Ordinal);
        Assert.StartsWith("refuses the connection: 'no'", FailureOf(Sub, Greeting(), [4, 9, 5, .. "ERROR"u8, 2, .. "no"u8]), StringComparison.Ordinal);
        Assert.StartsWith("ends the connection: 'later'", FailureOf(Sub, Greeting(), ReadyOf("PUB"), [4, 12, 5, .. "ERROR"u8, 5, .. "later"u8]), StringComparison.Ordinal);
    }

    [Fact]
    public void Advance_DamagedBytes_NeverThrowsNorReadsOutside()
    {
        const int Seed = 20261129;
        var random = new Random(Seed);
        var good = Bytes(Greeting(), ReadyOf("PUB"), [1, 1, (byte)'t', 1, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3, 1, 2, 3], [4, 7, 4, .. "PING"u8, 0, 10], [0, 1, 5]);
        var messages = 0;
        for (var round = 0; round < 50_000; round++)
        {
            var bytes = good.ToArray();
            for (var n = random.Next(4); n > 0; n--)
            {
                bytes[random.Next(round % 2 == 0 ? 0 : ZmtpSession.GreetingBytes, bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                messages += Run(new ZmtpSession(Sub, [1]), bytes, random.Next(1, 40)).Messages.Count;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {Seed}, round {round}: {Convert.ToHexString(bytes)}: {e}");
            }
        }

        Assert.True(messages > 10_000, $"only {messages} messages survived");
    }

    [Fact]
    public void Advance_Messages_AllocatesNothing()
    {
        var session = new ZmtpSession(Sub);
        Run(session, Bytes(Greeting(), ReadyOf("PUB")), 100);
        byte[] message = [1, 1, (byte)'t', 1, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3, 1, 2, 3];
        session.Advance(message, out _);
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                session.Advance(message, out _);
            }
        }));
    }

    private static bool Replay(JsonElement row, string side)
    {
        var log = row.At("log").EnumerateArray().Select(static r => (Dir: r.At("dir").Text(), Hex: r.At("hex").Text())).ToArray();
        var own = Known(log.Where(r => r.Dir == side).Select(static r => r.Hex));
        var peer = Known(log.Where(r => r.Dir != side).Select(static r => r.Hex));
        var text = Encoding.Latin1.GetString(own);
        var type = text.Contains("\u0003SUB", StringComparison.Ordinal) ? Sub : text.Contains("\u0006DEALER", StringComparison.Ordinal) ? Dealer : null;
        if (type is null)
        {
            return false;
        }

        // What the application behind libzmq did: its subscriptions, its requests.
        var subscriptions = Frames(own).Where(static f => f.Flags == 4 && Encoding.Latin1.GetString(f.Body).StartsWith("\u0009SUBSCRIBE", StringComparison.Ordinal)).Select(static f => f.Body[10..]).ToArray();
        var session = new ZmtpSession(type, subscriptions);
        var run = Run(session, peer, 11);
        Assert.Equal("", session.Failure);
        session.ClearOutput();
        foreach (var (flags, body) in Frames(own).Where(static f => (f.Flags & 4) == 0))
        {
            session.Send(body, (flags & 1) != 0);
        }

        var said = Bytes(run.Output, session.Output.ToArray());
        var expected = Bytes([own[..64], .. Frames(own).Where(static f => !Encoding.Latin1.GetString(f.Body).StartsWith("\u0006CANCEL", StringComparison.Ordinal)).Select(static f => Frame(f.Flags, f.Body))]);
        Assert.Equal(Convert.ToHexStringLower(expected), Convert.ToHexStringLower(said));
        Assert.Equal(Messages(Frames(peer)), run.Messages);
        return true;
    }

    /// <summary>Bytes up to the first record that was cut for the file.</summary>
    private static byte[] Known(IEnumerable<string> records)
    {
        var hex = new StringBuilder();
        foreach (var record in records)
        {
            var cut = record.IndexOf("...", StringComparison.Ordinal);
            hex.Append(cut < 0 ? record : record[..cut]);
            if (cut >= 0)
            {
                break;
            }
        }

        return Convert.FromHexString(hex.ToString(0, hex.Length & ~1));
    }

    private static List<(byte Flags, byte[] Body)> Frames(byte[] bytes)
    {
        var frames = new List<(byte, byte[])>();
        for (var at = ZmtpSession.GreetingBytes; at + 2 <= bytes.Length;)
        {
            var isLong = (bytes[at] & 2) != 0;
            var length = isLong ? (int)BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(at + 1)) : bytes[at + 1];
            var start = at + (isLong ? 9 : 2);
            if (start + length > bytes.Length)
            {
                break;
            }

            frames.Add(((byte)(bytes[at] & ~2), bytes[start..(start + length)]));
            at = start + length;
        }

        return frames;
    }

    private static List<string> Messages(List<(byte Flags, byte[] Body)> frames)
    {
        var messages = new List<string>();
        var parts = new List<string>();
        foreach (var (flags, body) in frames.Where(static f => (f.Flags & 4) == 0))
        {
            parts.Add(Encoding.Latin1.GetString(body));
            if ((flags & 1) == 0)
            {
                messages.Add(string.Join('|', parts));
                parts.Clear();
            }
        }

        return messages;
    }

    private static byte[] Frame(byte flags, byte[] body) => [flags, (byte)body.Length, .. body];

    /// <summary>Feeds the bytes in pieces, as a connection does.</summary>
    private static (List<string> Messages, byte[] Output) Run(ZmtpSession session, byte[] peer, int piece)
    {
        var messages = new List<string>();
        var buffer = new List<byte>();
        for (var at = 0; at < peer.Length && session.Failure.Length == 0; at += piece)
        {
            buffer.AddRange(peer[at..int.Min(at + piece, peer.Length)]);
            while (true)
            {
                var input = buffer.ToArray();
                var step = session.Advance(input, out var consumed);
                if (step == ZmtpStep.Message)
                {
                    messages.Add(string.Join('|', Enumerable.Range(0, session.FrameCount).Select(i => Encoding.Latin1.GetString(session.Frame(input, i)))));
                }

                buffer.RemoveRange(0, consumed);
                if (step is ZmtpStep.NeedMore or ZmtpStep.Failed)
                {
                    break;
                }
            }
        }

        return (messages, session.Output.ToArray());
    }

    private static void Step(ZmtpSession session, List<byte> input, List<byte> output)
    {
        while (session.Advance(input.ToArray(), out var consumed) != ZmtpStep.Failed && consumed > 0)
        {
            input.RemoveRange(0, consumed);
        }

        output.AddRange(session.Output);
        session.ClearOutput();
    }

    private static string FailureOf(ZmtpOptions options, params byte[][] peer)
    {
        var session = new ZmtpSession(options);
        Run(session, Bytes(peer), 1000);
        return session.Failure;
    }

    private static byte[] Bytes(params byte[][] parts) => [.. parts.SelectMany(static p => p)];

    private static byte[] Greeting(string mechanism = "NULL")
    {
        byte[] greeting = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, .. new byte[52]];
        Encoding.ASCII.GetBytes(mechanism, greeting.AsSpan(12));
        return greeting;
    }

    private static byte[] ReadyOf(string type)
    {
        byte[] body = [5, .. "READY"u8, 11, .. "Socket-Type"u8, 0, 0, 0, (byte)type.Length, .. Encoding.ASCII.GetBytes(type)];
        return Frame(4, body);
    }
}
