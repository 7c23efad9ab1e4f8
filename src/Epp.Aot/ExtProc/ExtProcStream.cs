using System.Buffers;
using System.Text;
using Epp.Aot.Grpc;
using Epp.Aot.Telemetry;
using Epp.Aot.Tracing;
using Epp.Native;
using Epp.Native.Pool;
using Epp.Native.Requests;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <summary>
/// The state machine of one HTTP exchange (contract §1.5–1.7): messages in, answers out. Synchronous: it never waits. Used by one
/// task at a time.
/// </summary>
internal sealed partial class ExtProcStream(StreamServices services)
{
    /// <summary>Body bytes of one message, as the references cut them (contract §1.6).</summary>
    public const int ChunkBytes = 62_000;

    [ThreadStatic]
    private static ProtoWriter? t_writer;

    private readonly ResponsePhase _response = new(services);
    private RequestPhase? _request = RequestPhase.Rent();
    private BodyMode _requestMode = BodyMode.FullDuplexStreamed;
    private BodyMode _responseMode = BodyMode.FullDuplexStreamed;
    private long _receivedAt;
    private long _processingFrom;
    private bool _answered;
    private bool _trailersPending;
    private bool _configured;
    private bool _finished;
    private ProcessingKind _waitingKind;
    private SubsetHint? _waitingSubset;
    private Endpoint? _endpoint;
    private RequestSeries? _series;
    private TraceSpan? _span;

    /// <summary>True when something was written that is not flushed yet.</summary>
    public bool HasOutput { get; set; }

    /// <summary>True while body chunks of the answer wait for <see cref="WriteReply"/>.</summary>
    public bool HasReply { get; private set; }

    /// <summary>True while the answer waits for <see cref="AskTokensAsync"/> and <see cref="Resume"/>.</summary>
    public bool WantsTokens { get; private set; }

    /// <summary>True while the answer waits for <see cref="WaitTurnAsync"/> and <see cref="ResumeTurn"/>.</summary>
    public bool WantsTurn { get; private set; }

    private static ProtoWriter Writer => t_writer ??= new ProtoWriter();

    /// <summary>Handles one message; a status ends the stream.</summary>
    public GrpcStatus? Handle(in ProcessingRequest message, IBufferWriter<byte> output)
    {
        if (!_configured)
        {
            Configure(in message);
        }

        return message.Kind switch
        {
            ProcessingKind.RequestHeaders => OnRequestHeaders(in message, output),
            ProcessingKind.RequestBody => OnRequestBody(in message, output),
            ProcessingKind.RequestTrailers => OnRequestTrailers(in message, output),
            ProcessingKind.ResponseHeaders => OnResponse(_response.OnHeaders(in message, output, Writer, _responseMode)),
            ProcessingKind.ResponseBody => OnResponse(_response.OnBody(in message, output, Writer, _responseMode)),
            ProcessingKind.ResponseTrailers => OnResponse(_response.OnTrailers(output, Writer, _responseMode)),
            _ => null,
        };
    }

    /// <summary>Writes the next chunk of the answer's body; <see cref="HasReply"/> tells whether more follow.</summary>
    public void WriteReply(IBufferWriter<byte> output)
    {
        var reply = _request!.Reply;
        var bytes = Math.Min(ChunkBytes, reply.Remaining);
        var last = bytes == reply.Remaining;
        var endOfStream = last && !_trailersPending;
        ExtProcEncoder.StreamedChunkHead(Writer, ProcessingKind.RequestBody, bytes, endOfStream);
        var head = Writer.Written;
        var tail = endOfStream ? ExtProcEncoder.EndOfStreamField : default;
        var span = output.GetSpan(head.Length + bytes + tail.Length);
        head.CopyTo(span);
        var at = head.Length;
        while (at < head.Length + bytes && reply.TryRead(head.Length + bytes - at, out var part))
        {
            part.CopyTo(span[at..]);
            at += part.Length;
        }

        tail.CopyTo(span[at..]);
        output.Advance(at + tail.Length);

        HasReply = !last;
        if (last && _trailersPending)
        {
            _trailersPending = false;
            Write(output, ProcessingKind.RequestTrailers);
        }
    }

    /// <summary>Work that nobody waits for, done once the answer is on its way.</summary>
    public void AfterAnswer()
    {
        if (!_answered || _request is null || HasReply)
        {
            return;
        }

        ReleaseRequest();
        if (_processingFrom != 0)
        {
            services.Metrics.RequestProcessing(Seconds(_processingFrom));
            _processingFrom = 0;
        }
    }

    /// <summary>Accounts for the exchange and gives everything back; the first call counts, whatever ended the stream.</summary>
    public void Finish()
    {
        if (_finished)
        {
            return;
        }

        _finished = true;
        EndInflight(told: false);
        ReleaseRequest();
        _response.Finish();
        services.Tracer?.End(_span);
        if (_endpoint is not null)
        {
            _endpoint.EndRequest();
            _series?.Running(-1);
        }
    }

    private void Configure(in ProcessingRequest message)
    {
        // Envoy says its body modes on the first message only; a proxy that says nothing speaks full duplex, as the references expect.
        _configured = true;
        _receivedAt = services.Time.GetTimestamp();
        _response.ReceivedAt = _receivedAt;
        _request!.ReceivedMs = EppMetrics.MonotonicMs(services.Time);
        if (message.HasProtocolConfig)
        {
            _requestMode = message.RequestBodyMode;
            _responseMode = message.ResponseBodyMode;
        }
    }

    private GrpcStatus? OnRequestHeaders(in ProcessingRequest message, IBufferWriter<byte> output)
    {
        if (_answered || _request is null || _request.Headers.Count > 0)
        {
            return null;
        }

        if (!ProcessingRequest.TryReadHeaders(message.HeaderMap, _request.Headers))
        {
            return Fail(output, new RequestFailure(FailureKind.HeadersTooLarge, "malformed headers, or more than 1,024 of them or 1 MiB; send fewer"));
        }

        _span = services.Tracer?.Begin(_request.Headers, _request.Trace);
        if (message.EndOfStream)
        {
            return AnswerWithoutBody(in message, output);
        }

        if (ResolveApi() is { } unclaimed)
        {
            return Fail(output, unclaimed);
        }

        switch (_requestMode)
        {
            case BodyMode.None or BodyMode.Streamed or BodyMode.Grpc:
                // The body is never shown (NONE), or only after the headers went on: load alone decides.
                _request.Api = RequestApi.Passthrough;
                return Answer(in message, output, ProcessingKind.RequestHeaders);
            case BodyMode.Buffered or BodyMode.BufferedPartial:
                Write(output, ProcessingKind.RequestHeaders);
                break;
        }

        _request.Scanner.Reset(_request.Api, services.Options.Dialect);
        return null;
    }

    private GrpcStatus? OnRequestBody(in ProcessingRequest message, IBufferWriter<byte> output)
    {
        if (_answered || _request is null)
        {
            if (_requestMode is BodyMode.Streamed)
            {
                Write(output, ProcessingKind.RequestBody);
            }

            // In full duplex a second end of stream, or bytes behind it, changes nothing (contract §0a).
            return null;
        }

        if (_request.Headers.Count == 0 && _request.Body.Length == 0)
        {
            // A stream that starts with a body: the references' default path.
            if (ResolveApi() is { } unclaimed)
            {
                return Fail(output, unclaimed);
            }

            _request.Scanner.Reset(_request.Api, services.Options.Dialect);
        }

        if (Take(message.Body) is { } failure)
        {
            return Fail(output, failure);
        }

        if (_requestMode == BodyMode.BufferedPartial && !message.EndOfStream)
        {
            // The proxy's buffer was too small for the body: what is missing cannot be validated, so load decides.
            _request.Api = RequestApi.Passthrough;
        }
        else if (_requestMode is not BodyMode.Buffered && !message.EndOfStream)
        {
            return null;
        }

        return Answer(in message, output, _requestMode is BodyMode.Buffered or BodyMode.BufferedPartial ? ProcessingKind.RequestBody : ProcessingKind.RequestHeaders);
    }

    private GrpcStatus? OnRequestTrailers(in ProcessingRequest message, IBufferWriter<byte> output)
    {
        if (_answered || _request is null)
        {
            Write(output, ProcessingKind.RequestTrailers);
            return null;
        }

        if (_requestMode is BodyMode.Buffered or BodyMode.BufferedPartial)
        {
            // The headers went on to wait for a body that never came: an answer to trailers can no longer set a destination.
            return Fail(output, new RequestFailure(FailureKind.BadRequest, "the request has trailers but no body; send a body"));
        }

        _trailersPending = true;
        return Answer(in message, output, ProcessingKind.RequestHeaders);
    }

    private GrpcStatus? OnResponse(bool wrote)
    {
        HasOutput |= wrote;
        if (_response.IsComplete)
        {
            EndInflight(told: false);
            ReportService();
        }

        return null;
    }

    private RequestFailure? ResolveApi()
    {
        var path = PathOf(_request!.Headers);
        if (services.Parsers.TryResolve(path, out var api))
        {
            // The response is read by the path's API, even where the request's body is not seen.
            _request.Api = api;
            _response.Api = api;
            return null;
        }

        return new RequestFailure(FailureKind.BadRequest, $"no parser registered matching path suffix for: {Encoding.UTF8.GetString(path)}");
    }

    private RequestFailure? Take(ReadOnlySpan<byte> bytes)
    {
        var request = _request!;
        if (request.Body.Length + bytes.Length > services.Options.MaxBodyBytes)
        {
            return new RequestFailure(FailureKind.BodyTooLarge, $"request body larger than {services.Options.MaxBodyBytes} bytes; raise --max-request-body-bytes or send less");
        }

        if (!services.Budget.TryTake(bytes.Length))
        {
            return new RequestFailure(FailureKind.BodyBudgetSpent, $"request bodies in flight exceed {services.Budget.MaxBytes} bytes; retry, or raise --max-buffered-bytes");
        }

        request.BudgetBytes += bytes.Length;
        request.Body.Append(bytes);
        request.Scanner.Feed(bytes);
        return null;
    }

    private void Write(IBufferWriter<byte> output, ProcessingKind kind)
    {
        ExtProcEncoder.Continue(Writer, kind);
        output.Write(Writer.Written);
        HasOutput = true;
    }

    private void ReleaseRequest()
    {
        if (_request is { } request)
        {
            services.Budget.Return(request.BudgetBytes);
            request.Dispose();
            _request = null;
        }
    }

    private static void WriteBytes(ModelRewrite reply, IBufferWriter<byte> output, int bytes)
    {
        while (reply.TryRead(bytes, out var part))
        {
            output.Write(part);
            bytes -= part.Length;
        }
    }

    private double Seconds(long since) => services.Time.GetElapsedTime(since).TotalSeconds;

    private static ReadOnlySpan<byte> PathOf(HeaderTable headers)
    {
        if (headers.TryGet(WellKnownHeaders.Path, out var path) && !path.IsEmpty)
        {
            return path;
        }

        if (headers.TryGet(WellKnownHeaders.OriginalPath, out path) && !path.IsEmpty)
        {
            return path;
        }

        return headers.TryGet(WellKnownHeaders.ForwardedPath, out path) && !path.IsEmpty ? path : "/v1/completions"u8;
    }
}
