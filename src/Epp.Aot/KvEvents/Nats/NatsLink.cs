using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using Epp.Native.Wire.Nats;

namespace Epp.Aot.KvEvents.Nats;

/// <summary>One TCP or TLS connection to a NATS server: INFO, TLS, login; then frames in. One reader; writing is the caller's affair.</summary>
internal sealed class NatsLink : IDisposable
{
    private readonly Socket _socket;
    private readonly ReceiveBuffer _buffer;
    private readonly int _maxMessageBytes;
    private Stream _stream;
    private string _failure = "";
    private int _pending;

    private NatsLink(Socket socket, int maxMessageBytes)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _maxMessageBytes = maxMessageBytes;
        _buffer = new ReceiveBuffer(maxMessageBytes + NatsReader.MaxLineBytes);
        socket.NoDelay = true;
    }

    public NatsServerInfo Server { get; private set; } = new("", 1 << 20, false, [], false, false);

    public string Failure => _failure;

    public Stream Stream => _stream;

    /// <summary>Connects and logs in; null with the reason where that fails within the time.</summary>
    public static async Task<(NatsLink? Link, string Failure)> OpenAsync(Uri server, NatsOptions options, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.ConnectTimeout);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        NatsLink? link = null;
        var failure = "";
        try
        {
            await socket.ConnectAsync(server.Host, server.IsDefaultPort || server.Port <= 0 ? 4222 : server.Port, limit.Token).ConfigureAwait(false);
            link = new NatsLink(socket, options.MaxMessageBytes);
            using var registration = limit.Token.UnsafeRegister(static l => ((NatsLink)l!).Abort("no login in time"), link);
            if (await link.LoginAsync(server, options, limit.Token).ConfigureAwait(false))
            {
                return (link, "");
            }

            failure = link.Failure;
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException or AuthenticationException)
        {
            failure = link?.Failure.Length > 0 ? link.Failure
                : e is OperationCanceledException ? $"no connection within {options.ConnectTimeout.TotalSeconds:0} s"
                : e.InnerException?.Message ?? e.Message;
        }

        link?.Dispose();
        socket.Dispose();
        return (null, failure);
    }

    /// <summary>The next frame of what was received. The frame lives until the next call.</summary>
    public NatsOp Read(out NatsFrame frame)
    {
        _buffer.Drop(_pending);
        var operation = NatsReader.Read(_buffer.Content, _maxMessageBytes, out frame, out _pending);
        if (operation == NatsOp.Failed)
        {
            Fail("the server " + System.Text.Encoding.ASCII.GetString(frame.Text));
        }

        return operation;
    }

    /// <summary>Receives once; false where the connection has ended.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> FillAsync()
    {
        try
        {
            if (_buffer.IsEmpty)
            {
                _buffer.Release();
                await _stream.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
            }

            var room = _buffer.Room();
            if (room.IsEmpty)
            {
                return Fail("a message exceeds the limit");
            }

            var received = await _stream.ReadAsync(room).ConfigureAwait(false);
            _buffer.Filled(received);
            return received > 0 || Fail("the server closed the connection");
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException or InvalidOperationException)
        {
            return Fail(e.Message);
        }
    }

    /// <summary>Ends the connection from any thread.</summary>
    public void Abort(string reason)
    {
        Fail(reason);
        _socket.Dispose();
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
        _buffer.Dispose();
    }

    private async Task<bool> LoginAsync(Uri server, NatsOptions options, CancellationToken cancellation)
    {
        if (await NextAsync().ConfigureAwait(false) != NatsOp.Info)
        {
            return Fail("does not greet as a NATS server; check address and port");
        }

        var tls = Server.TlsRequired || server.Scheme == "tls" || options.CaFile is not null || options.CertificateFile is not null;
        if (tls && !await StartTlsAsync(server, options, cancellation).ConfigureAwait(false))
        {
            return false;
        }

        var login = options.Login(server, Server.Nonce, out var failure);
        if (login is null)
        {
            return Fail(failure);
        }

        var greeting = new NatsOutbox(1 << 20);
        greeting.Connect(login, tls);
        greeting.TryPing();
        await _stream.WriteAsync(greeting.Waiting, cancellation).ConfigureAwait(false);
        while (true)
        {
            var answer = await NextAsync().ConfigureAwait(false);
            if (answer is NatsOp.Pong or NatsOp.NeedMore or NatsOp.Failed or NatsOp.Error)
            {
                return answer == NatsOp.Pong || Fail("the server closed the connection during login");
            }
        }
    }

    /// <summary>The next frame, INFO taken in and an error kept as the failure; NeedMore at the end of the connection.</summary>
    private async Task<NatsOp> NextAsync()
    {
        while (true)
        {
            var operation = Take();
            if (operation != NatsOp.NeedMore || !await FillAsync().ConfigureAwait(false))
            {
                return operation;
            }
        }
    }

    private NatsOp Take()
    {
        var operation = Read(out var frame);
        if (operation == NatsOp.Info)
        {
            Server = NatsServerInfo.Read(frame.Text) ?? Server;
        }
        else if (operation == NatsOp.Error)
        {
            Fail("the server says " + System.Text.Encoding.UTF8.GetString(frame.Text[..int.Min(frame.Text.Length, 200)]));
        }

        return operation;
    }

    private async Task<bool> StartTlsAsync(Uri server, NatsOptions options, CancellationToken cancellation)
    {
        _buffer.Drop(_pending);
        _pending = 0;
        if (!_buffer.IsEmpty)
        {
            // What came in the clear must not be taken for what came through TLS.
            return Fail("the server sends more than INFO before TLS");
        }

        var authentication = NatsTls.Options(options, server.Host, out var failure);
        if (authentication is null)
        {
            return Fail(failure);
        }

        var secured = new SslStream(_stream, leaveInnerStreamOpen: false);
        _stream = secured;
        await secured.AuthenticateAsClientAsync(authentication, cancellation).ConfigureAwait(false);
        return true;
    }

    private bool Fail(string reason)
    {
        _failure = _failure.Length == 0 ? reason : _failure;
        return false;
    }
}
