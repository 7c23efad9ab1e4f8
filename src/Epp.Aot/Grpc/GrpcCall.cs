using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Epp.Aot.Grpc;

/// <summary>What reading a message found.</summary>
public enum GrpcRead
{
    /// <summary>A whole message is there.</summary>
    Message,

    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>The message breaks a rule; <see cref="GrpcCall.Failure"/> says which.</summary>
    Failed,
}

/// <summary>
/// One gRPC call over one HTTP/2 stream of Kestrel: length-prefixed messages in and out, deadline, trailers
/// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). Owned by the task that serves the stream; not thread-safe.
/// </summary>
public sealed class GrpcCall : IDisposable
{
    private const int PrefixBytes = 5;

    private readonly IFeatureCollection _features;
    private readonly GrpcOptions _options;
    private readonly bool _gzip;
    private byte[]? _contiguous;
    private ITimer? _deadline;
    private Action? _deadlineExceeded;
    private bool _started;

    public GrpcCall(IFeatureCollection features, GrpcOptions options, TimeProvider time)
    {
        _features = features;
        _options = options;
        var headers = features.GetRequiredFeature<IHttpRequestFeature>().Headers;
        Reader = features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
        Writer = features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
        if (headers.TryGetValue("grpc-encoding", out var encoding))
        {
            _gzip = encoding == "gzip";
            UnknownEncoding = !_gzip && encoding != "identity" ? encoding.ToString() : null;
        }

        if (headers.TryGetValue("grpc-timeout", out var timeout) && GrpcTimeout.TryParse(timeout.ToString(), out var span))
        {
            _deadline = time.CreateTimer(static call => ((GrpcCall)call!).OnDeadline(), this, span, Timeout.InfiniteTimeSpan);
        }
    }

    public PipeReader Reader { get; }

    public PipeWriter Writer { get; }

    /// <summary>True once the client's <c>grpc-timeout</c> has passed; a pending read of <see cref="Reader"/> is then cancelled.</summary>
    public bool DeadlineExceeded { get; private set; }

    /// <summary>Cancelled when the client resets the stream or its connection is lost.</summary>
    public CancellationToken Aborted => _features.Get<IHttpRequestLifetimeFeature>()?.RequestAborted ?? default;

    /// <summary>The <c>grpc-encoding</c> asked for that this server does not know; null = none.</summary>
    public string? UnknownEncoding { get; }

    /// <summary>Why <see cref="TryRead"/> failed.</summary>
    public GrpcStatus Failure { get; private set; }

    /// <summary>Sets the response headers; they go out with the first flush.</summary>
    public void Start()
    {
        if (!_started)
        {
            _started = true;
            _features.GetRequiredFeature<IHttpResponseFeature>().Headers.ContentType = "application/grpc";
        }
    }

    /// <summary>
    /// Takes one message from <paramref name="buffer"/>, which is advanced behind it. <paramref name="message"/> is valid until the next
    /// call or until the reader is advanced.
    /// </summary>
    public GrpcRead TryRead(ref ReadOnlySequence<byte> buffer, out ReadOnlySpan<byte> message)
    {
        message = default;
        if (buffer.Length < PrefixBytes)
        {
            return GrpcRead.Incomplete;
        }

        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        if (length > _options.MaxReceiveBytes)
        {
            Failure = TooLarge(length);
            return GrpcRead.Failed;
        }

        if (prefix[0] > 1 || (prefix[0] == 1 && !_gzip))
        {
            Failure = new GrpcStatus(GrpcCode.Internal, $"grpc: message with compression flag {prefix[0]}, but grpc-encoding is not gzip");
            return GrpcRead.Failed;
        }

        if (buffer.Length < PrefixBytes + length)
        {
            return GrpcRead.Incomplete;
        }

        var payload = buffer.Slice(PrefixBytes, length);
        buffer = buffer.Slice(payload.End);
        if (prefix[0] == 1)
        {
            return Inflate(payload, out message) ? GrpcRead.Message : GrpcRead.Failed;
        }

        message = payload.IsSingleSegment ? payload.FirstSpan : Contiguous(payload);
        return GrpcRead.Message;
    }

    /// <summary>Ends the call: status in the trailers, or in the headers when nothing was sent.</summary>
    public void Finish(GrpcStatus status)
    {
        var trailersOnly = !_started;
        Start();
        var fields = trailersOnly
            ? _features.GetRequiredFeature<IHttpResponseFeature>().Headers
            : _features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;
        fields["grpc-status"] = status.Code == GrpcCode.Ok ? "0" : ((int)status.Code).ToString(CultureInfo.InvariantCulture);
        if (status.Message is not null)
        {
            fields["grpc-message"] = PercentEncode(status.Message);
        }
    }

    /// <summary>Makes a pending read of <see cref="Reader"/>, else the next one, return at once. From any thread, until the call has ended.</summary>
    public void Wake() => Reader.CancelPendingRead();

    /// <summary>Calls <paramref name="action"/> when the deadline passes, at once where it has; null = nothing any more.</summary>
    public void OnDeadlineExceeded(Action? action)
    {
        Interlocked.Exchange(ref _deadlineExceeded, action);
        if (DeadlineExceeded)
        {
            action?.Invoke();
        }
    }

    /// <summary>Gives back the memory of the last message: streams that wait hold none.</summary>
    public void ReleaseMessage()
    {
        if (_contiguous is not null)
        {
            ArrayPool<byte>.Shared.Return(_contiguous);
            _contiguous = null;
        }
    }

    public void Dispose()
    {
        _deadline?.Dispose();
        _deadline = null;
        ReleaseMessage();
    }

    // grpc-message carries printable ASCII as it is and everything else, with the percent sign, as %XX.
    private static string PercentEncode(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var encoded = new StringBuilder(bytes.Length);
        foreach (var b in bytes)
        {
            if (b is >= 0x20 and <= 0x7E and not (byte)'%')
            {
                encoded.Append((char)b);
            }
            else
            {
                encoded.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return encoded.ToString();
    }

    private GrpcStatus TooLarge(long length) =>
        new(GrpcCode.ResourceExhausted, $"grpc: received message larger than max ({length} vs. {_options.MaxReceiveBytes})");

    private ReadOnlySpan<byte> Contiguous(ReadOnlySequence<byte> payload)
    {
        var length = (int)payload.Length;
        Reserve(length);
        payload.CopyTo(_contiguous);
        return _contiguous.AsSpan(0, length);
    }

    private bool Inflate(ReadOnlySequence<byte> payload, out ReadOnlySpan<byte> message)
    {
        message = default;
        try
        {
            using var gzip = new GZipStream(PipeReader.Create(payload).AsStream(), CompressionMode.Decompress);
            var used = 0;
            Reserve(16 * 1024);
            for (int n; (n = gzip.Read(_contiguous.AsSpan(used))) > 0;)
            {
                used += n;
                if (used > _options.MaxReceiveBytes)
                {
                    Failure = TooLarge(used);
                    return false;
                }

                Reserve(used + 1);
            }

            message = _contiguous.AsSpan(0, used);
            return true;
        }
        catch (InvalidDataException)
        {
            Failure = new GrpcStatus(GrpcCode.Internal, "grpc: failed to decompress the received message: not valid gzip");
            return false;
        }
    }

    private void Reserve(int bytes)
    {
        if (_contiguous is not null && _contiguous.Length >= bytes)
        {
            return;
        }

        var grown = ArrayPool<byte>.Shared.Rent(Math.Max(bytes, (_contiguous?.Length ?? 0) * 2));
        if (_contiguous is not null)
        {
            _contiguous.CopyTo(grown, 0);
            ArrayPool<byte>.Shared.Return(_contiguous);
        }

        _contiguous = grown;
    }

    private void OnDeadline()
    {
        DeadlineExceeded = true;
        Interlocked.MemoryBarrier();
        Volatile.Read(ref _deadlineExceeded)?.Invoke();
        Reader.CancelPendingRead();
    }
}
