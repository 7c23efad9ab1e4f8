using System.Buffers;
using Epp.Native.Memory;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <summary>Bodies that are held until their end, and pieces of them.</summary>
internal sealed partial class ResponsePhase
{
    private bool TryHold(ReadOnlySpan<byte> body)
    {
        if (_passesOn || _heldBytes + body.Length > MaxHeldBytes || !services.Budget.TryTake(body.Length))
        {
            _passesOn = true;
            return false;
        }

        _held ??= new BodyBuffer();
        _held.Append(body);
        _heldBytes += body.Length;
        return true;
    }

    // Trailers end the body instead of an end of stream; a body that was held, or never came, is one chunk without that mark.
    private void EndWithoutEndOfStream(IBufferWriter<byte> output, ProtoWriter writer)
    {
        var rest = _restore is null ? default : Restored(default, last: true);
        if (!_streaming && !_passesOn)
        {
            var held = rest.IsEmpty || TryHold(rest);
            WriteHeld(output, writer, endOfStream: false, isLast: held);
            if (held)
            {
                return;
            }
        }

        if (!rest.IsEmpty)
        {
            WriteChunk(output, writer, rest, endOfStream: false, isLast: true);
        }
    }

    private void WriteHeld(IBufferWriter<byte> output, ProtoWriter writer, bool endOfStream, bool isLast)
    {
        var offset = 0;
        do
        {
            var bytes = Math.Min(ExtProcStream.ChunkBytes, _heldBytes - offset);
            var ends = offset + bytes == _heldBytes;
            var last = endOfStream && ends;
            WriteHead(writer, bytes, last, isLast && ends);
            output.WriteMessage(writer.Written, _held, offset, bytes, last ? ExtProcEncoder.EndOfStreamField : default);
            offset += bytes;
        }
        while (offset < _heldBytes);
        ReleaseHeld();
    }

    private void ReleaseHeld()
    {
        services.Budget.Return(_heldBytes);
        _heldBytes = 0;
        _held?.Dispose();
    }

    private ReadOnlySpan<byte> Restored(ReadOnlySpan<byte> body, bool last)
    {
        _restored!.ResetWrittenCount();
        _restore!.Write(body, last, _restored);
        return _restored.WrittenSpan;
    }

    // BUFFERED and STREAMED: an answer without mutation lets the bytes pass; only a restored model name replaces them. A buffered body is
    // whole even where trailers, not an end of stream, follow it.
    private void Replace(in ProcessingRequest message, IBufferWriter<byte> output, ProtoWriter writer, bool whole)
    {
        if (_restore is null)
        {
            ExtProcEncoder.Unchanged(writer, ProcessingKind.ResponseBody);
            if (whole)
            {
                Report(writer);
            }

            writer.PrependGrpcPrefix();
            output.Write(writer.Written);
            return;
        }

        var body = Restored(message.Body, whole);
        writer.Clear();
        var behind = ExtProcEncoder.BodyMutation(writer, body.Length, streamed: false, endOfStream: false);
        ExtProcEncoder.EndResponse(writer, ProcessingKind.ResponseBody, writer.Length, behind);
        if (whole)
        {
            Report(writer);
        }

        writer.PrependGrpcPrefix(behind);
        output.Write(writer.Written);
        output.Write(body);
    }

    // One message in, one message out, cut only where the message is larger than the references' chunks (contract §1.6).
    private void WriteChunk(IBufferWriter<byte> output, ProtoWriter writer, ReadOnlySpan<byte> body, bool endOfStream, bool isLast)
    {
        do
        {
            var part = body[..Math.Min(body.Length, ExtProcStream.ChunkBytes)];
            body = body[part.Length..];
            var last = endOfStream && body.IsEmpty;
            WriteHead(writer, part.Length, last, isLast && body.IsEmpty);
            output.WriteMessage(writer.Written, part, last ? ExtProcEncoder.EndOfStreamField : default);
        }
        while (!body.IsEmpty);
    }
}
