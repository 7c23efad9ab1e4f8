using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Epp.Native.Wire.Zmtp;

/// <summary>Greeting, security mechanism and metadata.</summary>
public sealed partial class ZmtpSession
{
    private const int MechanismAt = 12;
    private const int MechanismBytes = 20;
    private const int AsServerAt = 32;

    private ReadOnlySpan<byte> Mechanism => _options.IsPlain ? "PLAIN"u8 : "NULL"u8;

    private ReadOnlySpan<byte> OwnType => _options.SocketType == ZmtpSocketType.Sub ? "SUB"u8 : "DEALER"u8;

    /// <summary><c>FF | 8 bytes | 7F | major | minor | mechanism[20] | as-server | 31 bytes</c>.</summary>
    private void WriteGreeting()
    {
        var greeting = Take(GreetingBytes);
        greeting.Clear();
        greeting[0] = 0xff;
        greeting[8] = 0x01;
        greeting[9] = 0x7f;
        greeting[10] = 3;
        greeting[11] = 1;
        Mechanism.CopyTo(greeting[MechanismAt..]);
        greeting[AsServerAt] = _options is { IsPlain: true, AsServer: true } ? (byte)1 : (byte)0;
    }

    private bool TryGreet(ReadOnlySpan<byte> input)
    {
        if ((input.Length > 0 && input[0] != 0xff) || (input.Length > 9 && (input[9] & 1) == 0) || (input.Length > 10 && input[10] < 3))
        {
            Fail("does not speak ZMTP 3 (libzmq 4 or newer); check address and port");
            return false;
        }

        if (input.Length < GreetingBytes)
        {
            return false;
        }

        _peerMinor = input[11];
        var mechanism = input.Slice(MechanismAt, MechanismBytes).TrimEnd((byte)0);
        if (!mechanism.SequenceEqual(Mechanism))
        {
            Fail($"wants the security mechanism {Shown(mechanism)}, we are configured for {Shown(Mechanism)}");
            return false;
        }

        if (!_options.IsPlain)
        {
            WriteMetadata("READY"u8);
            _state = State.Ready;
            return true;
        }

        _state = _options.AsServer ? State.Hello : State.Welcome;
        if (!_options.AsServer)
        {
            WriteHello();
        }

        return true;
    }

    /// <summary>PLAIN: client HELLO, server WELCOME, client INITIATE, server READY. NULL: READY from both.</summary>
    private bool TryHandshakeCommand(ReadOnlySpan<byte> command)
    {
        if (!TrySplit(command, out var name, out var body))
        {
            Fail("sent a command without a name");
            return false;
        }

        if (name.SequenceEqual("ERROR"u8))
        {
            Fail($"refuses the connection: {Shown(body.Length > 0 ? body[1..] : body)}");
            return false;
        }

        switch (_state)
        {
            case State.Hello when name.SequenceEqual("HELLO"u8):
                return TryAdmit(body);
            case State.Welcome when name.SequenceEqual("WELCOME"u8):
                WriteMetadata("INITIATE"u8);
                _state = State.Ready;
                return true;
            case State.Initiate when name.SequenceEqual("INITIATE"u8):
                WriteMetadata("READY"u8);
                return TryBegin(body);
            case State.Ready when name.SequenceEqual("READY"u8):
                return TryBegin(body);
            default:
                Fail($"sent {Shown(name)} during the handshake");
                return false;
        }
    }

    private bool TryAdmit(ReadOnlySpan<byte> body)
    {
        if (TryTakeShort(ref body, out var user) && TryTakeShort(ref body, out var password)
            && user.SequenceEqual(_options.User ?? []) && CryptographicOperations.FixedTimeEquals(password, _options.Password ?? []))
        {
            WriteFrame(Command, "\u0007WELCOME"u8, default);
            _state = State.Initiate;
            return true;
        }

        WriteFrame(Command, "\u0005ERROR"u8, "\u0006denied"u8);
        Fail("presents a wrong user name or password");
        return false;
    }

    private bool TryBegin(ReadOnlySpan<byte> metadata)
    {
        ReadOnlySpan<byte> peerType = default;
        while (!metadata.IsEmpty)
        {
            if (!TryTakeShort(ref metadata, out var name) || metadata.Length < 4
                || BinaryPrimitives.ReadUInt32BigEndian(metadata) is var length && length > (uint)(metadata.Length - 4))
            {
                Fail("sent metadata that ends early");
                return false;
            }

            if (Ascii.EqualsIgnoreCase(name, "socket-type"u8))
            {
                peerType = metadata.Slice(4, (int)length);
            }

            metadata = metadata[(4 + (int)length)..];
        }

        var fits = _options.SocketType == ZmtpSocketType.Sub
            ? peerType.SequenceEqual("PUB"u8) || peerType.SequenceEqual("XPUB"u8)
            : peerType.SequenceEqual("ROUTER"u8) || peerType.SequenceEqual("REP"u8) || peerType.SequenceEqual("DEALER"u8);
        if (!fits)
        {
            Fail($"is a {Shown(peerType)} socket, which does not talk to {Shown(OwnType)}; check the port");
            return false;
        }

        _state = State.Traffic;
        foreach (var prefix in _subscriptions)
        {
            Subscribe(prefix);
        }

        return true;
    }

    /// <summary>A command for peers of 3.1, a message that begins with 1 for those of 3.0.</summary>
    private void Subscribe(ReadOnlySpan<byte> prefix)
    {
        if (_peerMinor >= 1)
        {
            WriteFrame(Command, "\u0009SUBSCRIBE"u8, prefix);
        }
        else
        {
            WriteFrame(0, [0x01], prefix);
        }
    }

    private void WriteHello()
    {
        var user = _options.User ?? [];
        var password = _options.Password ?? [];
        WriteFrame(Command, "\u0005HELLO"u8, new byte[2 + user.Length + password.Length]);
        var body = _output.AsSpan(_outputBytes - 2 - user.Length - password.Length, 2 + user.Length + password.Length);
        body[0] = (byte)user.Length;
        user.CopyTo(body[1..]);
        body[1 + user.Length] = (byte)password.Length;
        password.CopyTo(body[(2 + user.Length)..]);
    }

    private void WriteMetadata(ReadOnlySpan<byte> command)
    {
        Span<byte> body = stackalloc byte[64];
        var length = Property(body, "Socket-Type"u8, OwnType);
        if (_options.SocketType == ZmtpSocketType.Dealer)
        {
            length += Property(body[length..], "Identity"u8, default);
        }

        Span<byte> name = stackalloc byte[1 + command.Length];
        name[0] = (byte)command.Length;
        command.CopyTo(name[1..]);
        WriteFrame(Command, name, body[..length]);
    }

    private static int Property(Span<byte> into, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        into[0] = (byte)name.Length;
        name.CopyTo(into[1..]);
        BinaryPrimitives.WriteInt32BigEndian(into[(1 + name.Length)..], value.Length);
        value.CopyTo(into[(5 + name.Length)..]);
        return 5 + name.Length + value.Length;
    }
}
