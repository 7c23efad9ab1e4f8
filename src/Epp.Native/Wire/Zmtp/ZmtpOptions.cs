namespace Epp.Native.Wire.Zmtp;

/// <summary>What this side of a ZMTP connection is.</summary>
public enum ZmtpSocketType : byte
{
    /// <summary>Receives what it subscribed to, from PUB and XPUB peers.</summary>
    Sub = 0,

    /// <summary>Sends requests to a ROUTER (or REP) peer and receives any number of answers.</summary>
    Dealer,
}

/// <summary>How one side of a ZMTP connection behaves.</summary>
/// <param name="SocketType">Its socket type.</param>
/// <param name="MaxMessageBytes">Bytes of a message with its frame headers; a larger one ends the connection. Default 64 MiB.</param>
/// <param name="MaxFrames">Frames of a message. Default 16; engines send 3 or 4.</param>
/// <param name="User">PLAIN user name; null with <paramref name="Password"/> null = the NULL mechanism.</param>
/// <param name="Password">PLAIN password.</param>
/// <param name="AsServer">PLAIN only: check the credentials of the peer instead of presenting them.</param>
public sealed record ZmtpOptions(
    ZmtpSocketType SocketType,
    int MaxMessageBytes = 64 << 20,
    int MaxFrames = 16,
    byte[]? User = null,
    byte[]? Password = null,
    bool AsServer = false)
{
    /// <summary>Whether PLAIN is used.</summary>
    public bool IsPlain => User is not null || Password is not null;
}

/// <summary>What <see cref="ZmtpSession.Advance"/> found.</summary>
public enum ZmtpStep : byte
{
    /// <summary>Nothing complete; call again with more bytes.</summary>
    NeedMore = 0,

    /// <summary>The handshake is done; messages may follow.</summary>
    Ready,

    /// <summary>A message; its frames are <see cref="ZmtpSession.Frame"/>.</summary>
    Message,

    /// <summary>The peer breaks the protocol, refuses us or exceeds a limit; close the connection.</summary>
    Failed,
}
