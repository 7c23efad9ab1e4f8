using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Epp.Testing;

/// <summary>A socket that writes HTTP/2 frames, right or wrong, byte by byte (RFC 9113).</summary>
public sealed class RawHttp2 : IAsyncDisposable
{
    public const byte Data = 0, Headers = 1, RstStream = 3, Settings = 4, Ping = 6, Continuation = 9;
    public const byte EndStream = 1, EndHeaders = 4;

    private readonly TcpClient _client = new();
    private Task _drain = Task.CompletedTask;

    /// <summary>Ends when the server has closed the connection.</summary>
    public Task Closed => _drain;

    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Connects; whatever the server answers is read and dropped.</summary>
    public static async Task<RawHttp2> ConnectAsync(int port)
    {
        var raw = new RawHttp2();
        await raw._client.ConnectAsync("127.0.0.1", port);
        raw._drain = raw.DrainAsync();
        return raw;
    }

    public static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    /// <summary>Headers of an ext_proc call, and more.</summary>
    public static byte[] ProcessHeaders(params (string Name, string Value)[] more) => HeaderBlock(
        [(":method", "POST"), (":scheme", "http"), (":path", GrpcStream.ProcessPath), (":authority", "epp"), ("content-type", "application/grpc"), ("te", "trailers"), .. more]);

    /// <summary>Headers as HPACK literals without an index; names and values up to 126 bytes.</summary>
    public static byte[] HeaderBlock(params (string Name, string Value)[] headers)
    {
        var block = new MemoryStream();
        foreach (var (name, value) in headers)
        {
            block.WriteByte(0);
            block.WriteByte((byte)name.Length);
            block.Write(Encoding.ASCII.GetBytes(name));
            block.WriteByte((byte)value.Length);
            block.Write(Encoding.ASCII.GetBytes(value));
        }

        return block.ToArray();
    }

    /// <summary>Sends; false once the server has closed the connection, which is a right answer to abuse.</summary>
    public async Task<bool> TrySendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await _client.GetStream().WriteAsync(bytes).AsTask().WaitAsync(Wait.Limit);
            return true;
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Sends the preface and empty settings.</summary>
    public Task<bool> OpenAsync() => TrySendAsync(Preface.ToArray().Concat(Frame(Settings, 0, 0, [])).ToArray());

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _drain;
    }

    private async Task DrainAsync()
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await _client.GetStream().ReadAsync(buffer) > 0)
            {
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Closed by either side.
        }
    }
}
