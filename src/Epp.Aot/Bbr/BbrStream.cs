using System.Buffers;
using Epp.Aot.ExtProc;
using Epp.Aot.Grpc;
using Epp.Native;
using Epp.Native.Bbr;
using Epp.Native.Wire;

namespace Epp.Aot.Bbr;

/// <summary>
/// The state machine of one HTTP exchange, by the table of contract §9.3: messages in, answers out. Synchronous; used by one task at a time.
/// </summary>
internal sealed partial class BbrStream(BbrServices services)
{
    [ThreadStatic]
    private static ProtoWriter? t_writer;

    private readonly bool _isOld = services.Options.Dialect == BbrDialect.Gaie12;
    private readonly BbrResponse _response = new(services);
    private BbrRequest? _request = services.Requests.Rent();
    private BodyMode _mode = services.Options.Streaming ? BodyMode.FullDuplexStreamed : BodyMode.Buffered;
    private bool _configured;
    private bool _headersDeferred;
    private bool _trailersPending;
    private bool _isCut;
    private int _replied;
    private int _leftOfMessage;
    private bool _messageEndsStream;

    /// <summary>True when something was written that is not flushed yet.</summary>
    public bool HasOutput { get; set; }

    /// <summary>True while bytes of the answer's body wait for <see cref="WriteReply"/>.</summary>
    public bool HasReply { get; private set; }

    private static ProtoWriter Writer => t_writer ??= new ProtoWriter();

    /// <summary>Handles one message; a status ends the stream.</summary>
    public GrpcStatus? Handle(in ProcessingRequest message, IBufferWriter<byte> output)
    {
        if (!_configured)
        {
            Configure(in message);
        }

        switch (message.Kind)
        {
            case ProcessingKind.RequestHeaders:
                return OnRequestHeaders(in message, output);
            case ProcessingKind.RequestBody:
                return OnRequestBody(in message, output);
            case ProcessingKind.RequestTrailers:
                return OnRequestTrailers(output);
            case ProcessingKind.ResponseHeaders:
                HasOutput |= _response.OnHeaders(in message, output, Writer);
                return null;
            case ProcessingKind.ResponseBody:
                HasOutput |= _response.OnBody(in message, output, Writer);
                return null;
            case ProcessingKind.ResponseTrailers when !_isOld:
                HasOutput |= _response.OnTrailers(output, Writer);
                return null;
            default:
                return new GrpcStatus(GrpcCode.Unknown, "unknown request type");
        }
    }

    /// <summary>Writes the next piece of the answer's body, if any is left; <see cref="HasReply"/> tells whether more follow.</summary>
    public void WriteReply(IBufferWriter<byte> output)
    {
        if (!HasReply)
        {
            return;
        }

        var body = _request!.Body;
        ReadOnlySpan<byte> head = default;
        if (_leftOfMessage == 0)
        {
            // v1.2 sends the body in one message, v1.5 in chunks as the endpoint picker does.
            var left = body.Length - _replied;
            _leftOfMessage = _isOld ? left : Math.Min(ExtProcStream.ChunkBytes, left);
            _messageEndsStream = _leftOfMessage == left && !_trailersPending;
            ExtProcEncoder.StreamedChunkHead(Writer, ProcessingKind.RequestBody, _leftOfMessage, _messageEndsStream);
            head = Writer.Written;
        }

        var bytes = Math.Min(ExtProcStream.ChunkBytes, _leftOfMessage);
        var tail = bytes == _leftOfMessage && _messageEndsStream ? ExtProcEncoder.EndOfStreamField : default;
        var span = output.GetSpan(head.Length + bytes + tail.Length);
        head.CopyTo(span);
        body.CopyTo(_replied, span.Slice(head.Length, bytes));
        tail.CopyTo(span[(head.Length + bytes)..]);
        output.Advance(head.Length + bytes + tail.Length);
        HasOutput = true;
        _replied += bytes;
        _leftOfMessage -= bytes;
        HasReply = _replied < body.Length;
        if (!HasReply)
        {
            Release();
            EndTrailers(output);
        }
    }

    /// <summary>Gives everything back; the first call counts, whatever ended the stream.</summary>
    public void Finish()
    {
        Release();
        _response.Finish();
    }

    private void Configure(in ProcessingRequest message)
    {
        _configured = true;
        _response.IsStreamed = services.Options.Streaming;
        if (!message.HasProtocolConfig)
        {
            return;
        }

        // The gateway knows best: where it says its modes, they count and not the flag.
        _mode = message.RequestBodyMode;
        _response.IsStreamed = message.ResponseBodyMode == BodyMode.FullDuplexStreamed;
        if (_mode is BodyMode.Streamed or BodyMode.Grpc)
        {
            services.SayUselessMode(_mode.ToString());
        }
    }

    private GrpcStatus? OnRequestHeaders(in ProcessingRequest message, IBufferWriter<byte> output)
    {
        if (_mode == BodyMode.FullDuplexStreamed && !message.EndOfStream)
        {
            _headersDeferred = true;
            return null;
        }

        Continue(output, ProcessingKind.RequestHeaders);
        return null;
    }

    private GrpcStatus? OnRequestBody(in ProcessingRequest message, IBufferWriter<byte> output)
    {
        var whole = _mode is BodyMode.Buffered or BodyMode.BufferedPartial;
        if (_request is null || (!whole && _mode != BodyMode.FullDuplexStreamed))
        {
            if (_mode != BodyMode.FullDuplexStreamed)
            {
                Continue(output, ProcessingKind.RequestBody);
            }

            // In full duplex a second end of stream, or bytes behind it, changes nothing.
            return null;
        }

        if (Take(message.Body) is { } failure)
        {
            return Refuse(output, failure);
        }

        if (!whole && !message.EndOfStream)
        {
            return null;
        }

        _isCut = _mode == BodyMode.BufferedPartial && !message.EndOfStream;
        return Answer(output, whole ? ProcessingKind.RequestBody : ProcessingKind.RequestHeaders);
    }

    private GrpcStatus? OnRequestTrailers(IBufferWriter<byte> output)
    {
        // Trailers end a body that had no end of stream.
        if (_request is not null && _mode == BodyMode.FullDuplexStreamed)
        {
            _trailersPending = true;
            if (_request.Body.Length > 0)
            {
                return Answer(output, ProcessingKind.RequestHeaders);
            }

            if (_headersDeferred)
            {
                Continue(output, ProcessingKind.RequestHeaders);
            }

            Release();
        }

        _trailersPending = true;
        EndTrailers(output);
        return null;
    }

    private void EndTrailers(IBufferWriter<byte> output)
    {
        if (_trailersPending)
        {
            _trailersPending = false;
            Continue(output, ProcessingKind.RequestTrailers);
        }
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
            return new RequestFailure(FailureKind.BodyBudgetSpent, $"bodies in flight exceed {services.Budget.MaxBytes} bytes; retry, or raise --max-buffered-bytes");
        }

        request.BudgetBytes += bytes.Length;
        request.Body.Append(bytes);
        request.Fields.Feed(bytes);
        return null;
    }

    private GrpcStatus Refuse(IBufferWriter<byte> output, RequestFailure failure)
    {
        var wording = _isOld ? Dialect.Gaie : Dialect.LlmD;
        failure.Encode(Writer, wording);
        output.Write(Writer.Written);
        HasOutput = true;
        BbrLog.RequestRefused(services.Logger, failure.Text(wording));
        Release();
        return GrpcStatus.Ok;
    }

    private void Continue(IBufferWriter<byte> output, ProcessingKind kind)
    {
        ExtProcEncoder.Continue(Writer, kind);
        output.Write(Writer.Written);
        HasOutput = true;
    }

    private void Release()
    {
        if (_request is { } request)
        {
            services.Budget.Return(request.BudgetBytes);
            services.Requests.Return(request);
            _request = null;
        }
    }
}
