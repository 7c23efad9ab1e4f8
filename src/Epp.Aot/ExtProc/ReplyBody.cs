using System.Buffers;
using Epp.Native.Memory;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <summary>
/// The request body on its way back to the proxy: the received bytes, with one span replaced where the model is rewritten. Read in
/// pieces of at most <see cref="ChunkBytes"/>, straight from the received segments.
/// </summary>
internal struct ReplyBody
{
    /// <summary>Body bytes of one message, as the references cut them (contract §1.6).</summary>
    public const int ChunkBytes = 62_000;

    private readonly BodyBuffer _body;
    private readonly byte[] _replacement;
    private readonly int _replacementLength;
    private readonly int _cutStart;
    private readonly int _cutEnd;
    private int _offset;

    /// <param name="body">The received bytes.</param>
    /// <param name="cutStart">Start of the replaced span.</param>
    /// <param name="cutEnd">End of the replaced span; equal to the start for an insertion, or for none at all.</param>
    /// <param name="replacement">What stands there instead.</param>
    /// <param name="replacementLength">Used bytes of <paramref name="replacement"/>.</param>
    public ReplyBody(BodyBuffer body, int cutStart, int cutEnd, byte[] replacement, int replacementLength)
    {
        _body = body;
        _cutStart = cutStart;
        _cutEnd = cutEnd;
        _replacement = replacement;
        _replacementLength = replacementLength;
    }

    /// <summary>Bytes of the whole reply.</summary>
    public readonly int Length => _body.Length - (_cutEnd - _cutStart) + _replacementLength;

    /// <summary>True once every byte was written.</summary>
    public readonly bool Done => _offset == Length;

    /// <summary>True where the reply differs from what was received.</summary>
    public readonly bool Rewritten => _replacementLength > 0;

    /// <summary>Writes the next chunk message; the last one carries <paramref name="endOfStream"/>.</summary>
    public void WriteChunk(IBufferWriter<byte> output, ProtoWriter writer, bool endOfStream)
    {
        var n = Math.Min(ChunkBytes, Length - _offset);
        var last = _offset + n == Length;
        ExtProcEncoder.StreamedChunkHead(writer, ProcessingKind.RequestBody, n, last && endOfStream);
        output.Write(writer.Written);
        WriteBytes(output, n);
        if (last && endOfStream)
        {
            output.Write(ExtProcEncoder.EndOfStreamField);
        }
    }

    /// <summary>Writes the next <paramref name="bytes"/> bytes.</summary>
    public void WriteBytes(IBufferWriter<byte> output, int bytes)
    {
        while (bytes > 0)
        {
            var part = Next(bytes);
            output.Write(part);
            _offset += part.Length;
            bytes -= part.Length;
        }
    }

    private readonly ReadOnlySpan<byte> Next(int bytes)
    {
        if (_offset < _cutStart)
        {
            return _body.Slice(_offset, Math.Min(bytes, _cutStart - _offset));
        }

        var inReplacement = _offset - _cutStart;
        if (inReplacement < _replacementLength)
        {
            return _replacement.AsSpan(inReplacement, Math.Min(bytes, _replacementLength - inReplacement));
        }

        return _body.Slice(_cutEnd + inReplacement - _replacementLength, bytes);
    }
}
