using System.Buffers;
using Epp.Aot.Grpc;
using Epp.Aot.Telemetry;
using Epp.Aot.Tracing;
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
