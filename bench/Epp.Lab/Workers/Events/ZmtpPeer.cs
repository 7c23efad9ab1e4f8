using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Epp.Lab.Wire;

namespace Epp.Lab.Workers.Events;

/// <summary>
/// The accepting end of one ZMTP 3.0 connection (https://rfc.zeromq.org/spec/23/), security NULL. One reader and one writer at a time.
/// </summary>
internal sealed class ZmtpPeer : IDisposable
{
    // Whoever talks to a publisher or a replay socket sends a prefix or a number.
    const int MaxFrameBytes = 4096, MaxFrames = 8;
    const byte More = 1, Long = 2, Command = 4;
    static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(5);

    readonly NetworkStream _out;
    readonly BufferedStream _in;

    ZmtpPeer(Socket socket)
    {
        socket.NoDelay = true;
        _out = new NetworkStream(socket, ownsSocket: true);
        _in = new BufferedStream(_out);
    }

    /// <summary>Does the handshake as a socket of <paramref name="type"/>; throws <see cref="WireException"/> for a peer that does not fit.</summary>
    public static async Task<ZmtpPeer> OpenAsync(Socket socket, string type, string[] peers, CancellationToken cancel)
    {
        var peer = new ZmtpPeer(socket);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(HandshakeTime);
        try
        {
            await peer._out.WriteAsync(Greeting(), limit.Token).ConfigureAwait(false);
            var greeting = new byte[64];
            await peer._in.ReadExactlyAsync(greeting, limit.Token).ConfigureAwait(false);
            if (greeting[0] != 0xFF || greeting[10] < 3 || !greeting.AsSpan(12, 20).TrimEnd((byte)0).SequenceEqual("NULL"u8))
            {
                throw new WireException("the peer does not speak ZMTP 3 with security NULL");
            }
            await peer._out.WriteAsync(Ready(type), limit.Token).ConfigureAwait(false);
            var (flags, command) = await peer.ReadFrameAsync(limit.Token).ConfigureAwait(false);
            if ((flags & Command) == 0 || !peers.Contains(SocketType(command)))
            {
                throw new WireException($"the peer is no {string.Join(" or ", peers)} socket");
            }
            return peer;
        }
        catch
        {
            peer.Dispose();
            throw;
        }
    }

    /// <summary>The frames of the next message; throws <see cref="EndOfStreamException"/> when the peer has gone.</summary>
    public async Task<List<byte[]>> ReadAsync(CancellationToken cancel)
    {
        var frames = new List<byte[]>(2);
        while (true)
        {
            var (flags, body) = await ReadFrameAsync(cancel).ConfigureAwait(false);
            if ((flags & Command) != 0)
            {
                continue;
            }
            if (frames.Count == MaxFrames)
            {
                throw new WireException($"a message has more than {MaxFrames} frames");
            }
            frames.Add(body);
            if ((flags & More) == 0)
            {
                return frames;
            }
        }
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancel) => _out.WriteAsync(message, cancel);

    /// <summary>A message as it goes over the wire.</summary>
    public static byte[] Encode(params ReadOnlySpan<byte[]> frames)
    {
        using var message = new MemoryStream();
        for (var i = 0; i < frames.Length; i++)
        {
            WriteFrame(message, i < frames.Length - 1 ? More : (byte)0, frames[i]);
        }
        return message.ToArray();
    }

    public void Dispose()
    {
        _in.Dispose();
        _out.Dispose();
    }

    static void WriteFrame(MemoryStream to, byte flags, ReadOnlySpan<byte> body)
    {
        if (body.Length < 256)
        {
            to.Write([flags, (byte)body.Length]);
        }
        else
        {
            Span<byte> head = stackalloc byte[9];
            head[0] = (byte)(flags | Long);
            BinaryPrimitives.WriteInt64BigEndian(head[1..], body.Length);
            to.Write(head);
        }
        to.Write(body);
    }

    // FF | 8 bytes | 7F | 3 0 | mechanism[20] | as-server 0 | 31 bytes
    static byte[] Greeting()
    {
        var greeting = new byte[64];
        (greeting[0], greeting[8], greeting[9], greeting[10]) = (0xFF, 1, 0x7F, 3);
        "NULL"u8.CopyTo(greeting.AsSpan(12));
        return greeting;
    }

    // READY { Socket-Type: …, Identity: "" }
    static byte[] Ready(string type)
    {
        byte[] body =
        [
            5, .. "READY"u8, 11, .. "Socket-Type"u8, 0, 0, 0, (byte)type.Length, .. Encoding.ASCII.GetBytes(type),
            8, .. "Identity"u8, 0, 0, 0, 0,
        ];
        return [Command, (byte)body.Length, .. body];
    }

    static string SocketType(ReadOnlySpan<byte> ready)
    {
        ready = ready.StartsWith("\u0005READY"u8) ? ready[6..] : [];
        while (ready.Length > 0 && ready[0] is var name && ready.Length >= name + 5
            && BinaryPrimitives.ReadUInt32BigEndian(ready[(1 + name)..]) is var length && length <= ready.Length - name - 5)
        {
            var value = ready.Slice(name + 5, (int)length);
            if (Ascii.EqualsIgnoreCase(ready.Slice(1, name), "socket-type"u8))
            {
                return Encoding.ASCII.GetString(value);
            }
            ready = ready[(name + 5 + value.Length)..];
        }
        return "";
    }

    async Task<(byte Flags, byte[] Body)> ReadFrameAsync(CancellationToken cancel)
    {
        var head = new byte[9];
        await _in.ReadExactlyAsync(head.AsMemory(0, 2), cancel).ConfigureAwait(false);
        long length = head[1];
        if ((head[0] & Long) != 0)
        {
            await _in.ReadExactlyAsync(head.AsMemory(2, 7), cancel).ConfigureAwait(false);
            length = BinaryPrimitives.ReadInt64BigEndian(head.AsSpan(1));
        }
        if (length is < 0 or > MaxFrameBytes)
        {
            throw new WireException($"a frame claims {length} bytes; {MaxFrameBytes} are allowed");
        }
        var body = new byte[length];
        await _in.ReadExactlyAsync(body, cancel).ConfigureAwait(false);
        return (head[0], body);
    }
}
