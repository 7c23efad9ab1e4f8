using System.Buffers.Text;

namespace Epp.Native.Wire.Nats;

/// <summary>
/// What waits to be sent to a server, up to a bound: what would exceed it is refused, and the caller counts it. Not thread-safe.
/// </summary>
/// <param name="maxBytes">The bound.</param>
public sealed class NatsOutbox(int maxBytes)
{
    /// <summary>Operation, numbers, spaces and line ends of one entry.</summary>
    private const int Overhead = 48;

    private byte[] _buffer = new byte[1024];

    /// <summary>Bytes waiting.</summary>
    public int Length { get; private set; }

    /// <summary>What waits; valid until the next call.</summary>
    public ReadOnlyMemory<byte> Waiting => _buffer.AsMemory(0, Length);

    /// <summary>Forgets what waited, because it was sent.</summary>
    public void Clear()
    {
        Length = 0;
        if (_buffer.Length > 1 << 20)
        {
            _buffer = new byte[1024];
        }
    }

    /// <summary><c>PUB subject [reply] bytes</c>.</summary>
    public bool TryPublish(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> payload)
    {
        if (!TryReserve(subject.Length + reply.Length + payload.Length + Overhead))
        {
            return false;
        }

        Write("PUB "u8);
        Write(subject);
        Write(" "u8);
        if (!reply.IsEmpty)
        {
            Write(reply);
            Write(" "u8);
        }

        Write(payload.Length);
        Write("\r\n"u8);
        Write(payload);
        Write("\r\n"u8);
        return true;
    }

    /// <summary><c>SUB subject sid</c>.</summary>
    public bool TrySubscribe(ReadOnlySpan<byte> subject, int subscription)
    {
        if (!TryReserve(subject.Length + Overhead))
        {
            return false;
        }

        Write("SUB "u8);
        Write(subject);
        Write(" "u8);
        Write(subscription);
        Write("\r\n"u8);
        return true;
    }

    /// <summary><c>UNSUB sid</c>.</summary>
    public bool TryUnsubscribe(int subscription)
    {
        if (!TryReserve(Overhead))
        {
            return false;
        }

        Write("UNSUB "u8);
        Write(subscription);
        Write("\r\n"u8);
        return true;
    }

    /// <summary>PING.</summary>
    public bool TryPing() => TryLine("PING\r\n"u8);

    /// <summary>PONG.</summary>
    public bool TryPong() => TryLine("PONG\r\n"u8);

    /// <summary><c>CONNECT {…}</c> with the members given, null ones left out.</summary>
    public void Connect(NatsLogin login, bool tls)
    {
        ArgumentNullException.ThrowIfNull(login);
        TryReserve(1024 + (6 * ((login.User?.Length ?? 0) + (login.Password?.Length ?? 0) + (login.Token?.Length ?? 0) + (login.Jwt?.Length ?? 0))));
        Write("CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"csharp\",\"version\":\"0.1.0\",\"protocol\":1,\"headers\":true,\"no_responders\":true,\"name\":\"epp\",\"tls_required\":"u8);
        Write(tls ? "true"u8 : "false"u8);
        Member("user"u8, login.User);
        Member("pass"u8, login.Password);
        Member("auth_token"u8, login.Token);
        Member("jwt"u8, login.Jwt);
        Member("nkey"u8, login.Key);
        Member("sig"u8, login.Signature);
        Write("}\r\n"u8);
    }

    private bool TryLine(ReadOnlySpan<byte> line)
    {
        var fits = TryReserve(line.Length);
        if (fits)
        {
            Write(line);
        }

        return fits;
    }

    private void Member(ReadOnlySpan<byte> name, string? value)
    {
        if (value is null)
        {
            return;
        }

        Write(",\""u8);
        Write(name);
        Write("\":\""u8);
        foreach (var b in System.Text.Encoding.UTF8.GetBytes(value))
        {
            if (b is (byte)'"' or (byte)'\\')
            {
                Write([(byte)'\\', b]);
            }
            else if (b >= 0x20)
            {
                Write([b]);
            }
        }

        Write("\""u8);
    }

    private void Write(int number)
    {
        Utf8Formatter.TryFormat(number, _buffer.AsSpan(Length), out var written);
        Length += written;
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(Length));
        Length += bytes.Length;
    }

    private bool TryReserve(int bytes)
    {
        if (bytes > maxBytes - Length)
        {
            return false;
        }

        if (bytes > _buffer.Length - Length)
        {
            Array.Resize(ref _buffer, int.Max(_buffer.Length * 2, Length + bytes));
        }

        return true;
    }
}

/// <summary>Who we are to a server; null members are left out.</summary>
/// <param name="User">User name.</param>
/// <param name="Password">Password.</param>
/// <param name="Token">Token.</param>
/// <param name="Jwt">JWT of a credentials file.</param>
/// <param name="Key">Public NKey.</param>
/// <param name="Signature">The server's nonce signed with it, base64url.</param>
public sealed record NatsLogin(string? User = null, string? Password = null, string? Token = null, string? Jwt = null, string? Key = null, string? Signature = null);
