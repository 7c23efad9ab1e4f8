using System.Buffers;
using Epp.Aot.ExtProc;
using Epp.Native.Bbr;
using Epp.Native.Memory;
using Epp.Native.Wire;

namespace Epp.Aot.Bbr;

/// <summary>
/// The response half of an exchange (contract §9.3). v1.2 answers every message with nothing. v1.5 in full duplex answers at the end of
/// the body, headers first; an event stream, and a body too long to hold, is passed on as it comes.
/// </summary>
internal sealed class BbrResponse(BbrServices services)
{
    private BodyBuffer? _held;
    private int _heldBytes;
    private bool _headersSeen;
    private bool _headersAnswered;
    private bool _passesOn;
    private bool _ended;

    /// <summary>The gateway streams the response's body in full duplex.</summary>
    public bool IsStreamed { get; set; }

    private bool Defers => IsStreamed && services.Options.Dialect == BbrDialect.Gaie15;

    /// <summary>Answers response headers; true when something was written.</summary>
    public bool OnHeaders(in ProcessingRequest message, IBufferWriter<byte> output, ProtoWriter writer)
    {
        if (_headersSeen)
        {
            return false;
        }

        _headersSeen = true;
        _passesOn = IsEventStream(message.HeaderMap);
        if (Defers && !message.EndOfStream && !_passesOn)
        {
            return false;
        }

        _ended |= message.EndOfStream;
        var isFirst = !_headersAnswered;
        AnswerHeaders(output, writer);
        return isFirst;
    }

    /// <summary>Answers one body message; true when something was written.</summary>
    public bool OnBody(in ProcessingRequest message, IBufferWriter<byte> output, ProtoWriter writer)
    {
        if (!Defers)
        {
            ExtProcEncoder.Continue(writer, ProcessingKind.ResponseBody);
            output.Write(writer.Written);
            return true;
        }

        if (_ended)
        {
            return false;
        }

        _ended = message.EndOfStream;
        if (!_passesOn && TryHold(message.Body))
        {
            if (_ended)
            {
                AnswerHeaders(output, writer);
                WriteHeld(output, writer, endOfStream: true);
            }

            return _ended;
        }

        AnswerHeaders(output, writer);
        if (_heldBytes > 0)
        {
            WriteHeld(output, writer, endOfStream: false);
        }

        WriteChunks(output, writer, message.Body, message.EndOfStream);
        return true;
    }

    /// <summary>Answers response trailers, which also end a body that had no end of stream.</summary>
    public bool OnTrailers(IBufferWriter<byte> output, ProtoWriter writer)
    {
        if (Defers && !_ended)
        {
            if (_headersSeen || _heldBytes > 0)
            {
                AnswerHeaders(output, writer);
            }

            if (_heldBytes > 0)
            {
                WriteHeld(output, writer, endOfStream: false);
            }
        }

        _ended = true;
        ExtProcEncoder.Continue(writer, ProcessingKind.ResponseTrailers);
        output.Write(writer.Written);
        return true;
    }

    /// <summary>Gives back what is held.</summary>
    public void Finish()
    {
        services.Budget.Return(_heldBytes);
        _heldBytes = 0;
        _held?.Dispose();
    }

    private void AnswerHeaders(IBufferWriter<byte> output, ProtoWriter writer)
    {
        if (!_headersAnswered)
        {
            _headersAnswered = true;
            ExtProcEncoder.Continue(writer, ProcessingKind.ResponseHeaders);
            output.Write(writer.Written);
        }
    }

    private bool TryHold(ReadOnlySpan<byte> body)
    {
        if (_heldBytes + body.Length > ResponsePhase.MaxHeldBytes || !services.Budget.TryTake(body.Length))
        {
            _passesOn = true;
            return false;
        }

        _held ??= new BodyBuffer();
        _held.Append(body);
        _heldBytes += body.Length;
        return true;
    }

    private void WriteHeld(IBufferWriter<byte> output, ProtoWriter writer, bool endOfStream)
    {
        var offset = 0;
        do
        {
            var bytes = Math.Min(ExtProcStream.ChunkBytes, _heldBytes - offset);
            var last = endOfStream && offset + bytes == _heldBytes;
            ExtProcEncoder.StreamedChunkHead(writer, ProcessingKind.ResponseBody, bytes, last);
            output.WriteMessage(writer.Written, _held, offset, bytes, last ? ExtProcEncoder.EndOfStreamField : default);
            offset += bytes;
        }
        while (offset < _heldBytes);
        Finish();
    }

    private static void WriteChunks(IBufferWriter<byte> output, ProtoWriter writer, ReadOnlySpan<byte> body, bool endOfStream)
    {
        do
        {
            var part = body[..Math.Min(body.Length, ExtProcStream.ChunkBytes)];
            body = body[part.Length..];
            var last = endOfStream && body.IsEmpty;
            ExtProcEncoder.StreamedChunkHead(writer, ProcessingKind.ResponseBody, part.Length, last);
            output.WriteMessage(writer.Written, part, last ? ExtProcEncoder.EndOfStreamField : default);
        }
        while (!body.IsEmpty);
    }

    private static bool IsEventStream(ReadOnlySpan<byte> headerMap)
    {
        var reader = new ProtoReader(headerMap);
        while (reader.Next())
        {
            if (reader.Field == 1 && reader.WireType == ProtoReader.Bytes
                && ProcessingRequest.TryReadHeader(reader.Content, out var key, out var value)
                && key.SequenceEqual(WellKnownHeaders.ContentType) && value.IndexOf("text/event-stream"u8) >= 0)
            {
                return true;
            }
        }

        return false;
    }
}
