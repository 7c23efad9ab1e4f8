using System.Buffers;
using Epp.Aot.Telemetry;
using Epp.Native.Memory;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <summary>
/// The response half of an exchange (contract §1.7): headers, chunks passed on one for one, trailers, and the accounting at their end.
/// A pass-through chunk allocates nothing.
/// </summary>
internal sealed partial class ResponsePhase(StreamServices services)
{
    /// <summary>Bytes of a response that is no stream held until its end; longer ones are passed on as they come.</summary>
    public const int MaxHeldBytes = 1 << 20;

    private readonly ResponseScanner _usage = new();
    private ResponseModelRewriter? _restore;
    private ArrayBufferWriter<byte>? _restored;
    private BodyBuffer? _held;
    private int _heldBytes;
    private bool _passesOn;
    private bool _started;
    private bool _streaming;
    private bool _completed;
    private bool _erred;
    private bool _refused;
    private ParityTicket _ticket;
    private long _bytes;
    private long _firstChunkAt;
    private long _lastChunkAt;

    /// <summary>Timestamp of the exchange's first message.</summary>
    public long ReceivedAt { get; set; }

    /// <summary>Metrics of the request's label set; the empty set where the stream began with the response.</summary>
    public RequestSeries? Series { get; set; }

    /// <summary>True once the response has ended, or nothing of it is wanted any more.</summary>
    public bool IsComplete => _completed;

    /// <summary>What flow control counts as the response's cost: prompt tokens plus twice the completion tokens.</summary>
    public double ServiceTokens => Math.Max(0, _usage.Usage.Prompt) + (2.0 * Math.Max(0, _usage.Usage.Completion));

    /// <summary>The request's API, which decides where usage stands in the response.</summary>
    public RequestApi Api { get; set; }

    /// <summary>Takes over from the request half.</summary>
    public void Begin(in Decision decision)
    {
        _streaming = decision.ExpectsStream;
        _ticket = decision.Ticket;
        if (decision.RestoreModel is { } incoming)
        {
            _restore = new ResponseModelRewriter();
            _restore.Begin(decision.TargetModel!, incoming);
            _restored = new ArrayBufferWriter<byte>();
        }
    }

    /// <summary>Answers response headers; true when something was written.</summary>
    public bool OnHeaders(in ProcessingRequest message, IBufferWriter<byte> output, ProtoWriter writer, BodyMode mode)
    {
        if (_started)
        {
            return false;
        }

        _started = true;
        ReadHeaders(message.HeaderMap);
        _usage.Reset(Api, _streaming);
        writer.Clear();
        if (_restore is not null && mode != BodyMode.FullDuplexStreamed)
        {
            // The names differ in length, so the announced length may be wrong; in full duplex the proxy drops it anyway.
            ExtProcEncoder.RemoveHeader(writer, WellKnownHeaders.ContentLengthLower);
        }

        if (services.Director.Plan.ReportsServed)
        {
            ExtProcEncoder.SetHeader(writer, WellKnownHeaders.ServedEndpoint, Served(message.Metadata));
        }

        ExtProcEncoder.SetHeader(writer, WellKnownHeaders.WentIntoResponseHeaders, "true"u8);
        ExtProcEncoder.EndResponse(writer, ProcessingKind.ResponseHeaders, 0, 0);
        writer.PrependGrpcPrefix();
        output.Write(writer.Written);
        if (message.EndOfStream || mode == BodyMode.None)
        {
            Complete();
        }

        return true;
    }

    /// <summary>Answers one body message; true when something was written.</summary>
    public bool OnBody(in ProcessingRequest message, IBufferWriter<byte> output, ProtoWriter writer, BodyMode mode)
    {
        if (_completed)
        {
            return false;
        }

        var started = services.Time.GetTimestamp();
        var wrote = true;
        Account(message.Body, started);
        if (mode == BodyMode.FullDuplexStreamed)
        {
            wrote = PassOn(in message, output, writer);
        }
        else
        {
            Replace(in message, output, writer, whole: message.EndOfStream || mode is BodyMode.Buffered or BodyMode.BufferedPartial);
        }

        if (message.EndOfStream)
        {
            Complete();
        }

        services.Metrics.ResponseProcessing(services.Time.GetElapsedTime(started).TotalSeconds);
        return wrote;
    }

    /// <summary>Answers response trailers, which also end a body that had no end of stream.</summary>
    public bool OnTrailers(IBufferWriter<byte> output, ProtoWriter writer, BodyMode mode)
    {
        if (!_completed && mode == BodyMode.FullDuplexStreamed)
        {
            EndWithoutEndOfStream(output, writer);
        }

        var reports = !_completed;
        Complete();
        ExtProcEncoder.Unchanged(writer, ProcessingKind.ResponseTrailers);
        if (reports)
        {
            Report(writer);
        }

        writer.PrependGrpcPrefix();
        output.Write(writer.Written);
        return true;
    }

    /// <summary>
    /// Ends the phase, whole or cut off: gives back what it holds and observes nothing any more. A response whose end never came counts
    /// as an error; whether the worker or the client broke off, the proxy does not say.
    /// </summary>
    public void Finish()
    {
        if (_started && !_completed && !_erred)
        {
            OwnSeries().Error("ResponseIncomplete");
        }

        _completed = true;
        ReleaseHeld();
    }

    /// <summary>The request was evicted, which is counted already: what is missing of the response is no further error.</summary>
    public void Evict() => _completed = true;

    // A stream's chunks go on one for one. Another body is held until its end, as the references do: if the worker breaks off in the
    // middle, the client gets an error and not half a document. What exceeds the limit, or the budget of all streams, is passed on.
    private bool PassOn(in ProcessingRequest message, IBufferWriter<byte> output, ProtoWriter writer)
    {
        var body = _restore is null ? message.Body : Restored(message.Body, message.EndOfStream);
        var whole = message.EndOfStream && _heldBytes == 0;
        if (_streaming || whole || !TryHold(body))
        {
            if (_heldBytes > 0)
            {
                WriteHeld(output, writer, endOfStream: false, isLast: false);
            }

            WriteChunk(output, writer, body, message.EndOfStream, isLast: message.EndOfStream);
            return true;
        }

        if (message.EndOfStream)
        {
            WriteHeld(output, writer, endOfStream: true, isLast: true);
        }

        return message.EndOfStream;
    }

    private void ReadHeaders(ReadOnlySpan<byte> headerMap)
    {
        var reader = new ProtoReader(headerMap);
        while (reader.Next())
        {
            if (reader.Field != 1 || reader.WireType != ProtoReader.Bytes
                || !ProcessingRequest.TryReadHeader(reader.Content, out var key, out var value))
            {
                continue;
            }

            if (key.SequenceEqual(WellKnownHeaders.ContentType))
            {
                _streaming |= value.IndexOf("text/event-stream"u8) >= 0;
            }
            else if (key.SequenceEqual(WellKnownHeaders.Status))
            {
                _erred |= !value.SequenceEqual("200"u8);
            }
            else if (key.SequenceEqual(WellKnownHeaders.PseudoStatus))
            {
                _erred |= value.Length == 3 && value[0] >= (byte)'5';
                _refused = !value.StartsWith("2"u8);
            }
        }

        if (_ticket.IsSome)
        {
            services.Parity!.Answered(_ticket, !_erred && !_refused, EppMetrics.MonotonicMs(services.Time));
        }

        if (_erred)
        {
            OwnSeries().Error("ModelServerError");
        }
    }

    private RequestSeries OwnSeries() => Series ??= services.Metrics.Requests(default, default, "default-flow"u8, 0);

    private double Seconds(long from, long to) => services.Time.GetElapsedTime(from, to).TotalSeconds;
}
