using System.Buffers;
using Epp.Native.Memory;

namespace Epp.Native.Requests;

/// <summary>
/// The body as it goes out: the client's bytes with the value of <c>model</c> replaced, or a member <c>"model"</c> inserted where it is
/// missing; nothing else changes. Read it piece by piece with <see cref="TryRead"/>; no second body is built. Reused; not thread-safe.
/// </summary>
public sealed class ModelRewrite
{
    private const int KeptBytes = 4096;
    private static readonly SearchValues<byte> Escaped = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, (byte)'"', (byte)'\\']);

    private byte[] _inserted = new byte[128];
    private int _insertedLength;
    private int _cutStart;
    private int _cutEnd;
    private BodyBuffer? _body;
    private int _position;

    /// <summary>Bytes of the outgoing body.</summary>
    public int Length { get; private set; }

    /// <summary>Bytes not yet read.</summary>
    public int Remaining => Length - _position;

    /// <summary>True when the outgoing body differs from the incoming one.</summary>
    public bool Changes { get; private set; }

    /// <summary>Starts over with a body that goes out as it came.</summary>
    public void Begin(BodyBuffer body)
    {
        _body = body;
        _position = 0;
        _insertedLength = 0;
        _cutStart = _cutEnd = body.Length;
        Length = body.Length;
        Changes = false;
    }

    /// <summary>
    /// Starts over with <paramref name="targetModel"/> (UTF-8) as the model of a body that <paramref name="scan"/> has read. The body
    /// stays as it is where that is its model already, where the target is empty, where the API has no model to rewrite, or where the body is not a map.
    /// </summary>
    public void Begin(BodyBuffer body, RequestScanner scan, ReadOnlySpan<byte> targetModel)
    {
        Begin(body);
        var isInsert = scan.ModelValueStart < 0;
        if (!scan.CanRewriteModel || targetModel.IsEmpty || (isInsert && scan.InsertModelAt < 0)
            || (scan.HasModel && scan.Model.SequenceEqual(targetModel)))
        {
            return;
        }

        if (_inserted.Length > KeptBytes)
        {
            _inserted = new byte[128];
        }

        if (isInsert)
        {
            _cutStart = _cutEnd = scan.InsertModelAt;
            Add("\"model\":"u8);
            Quote(targetModel);
            Add(scan.IsEmptyMap ? default : ","u8);
        }
        else
        {
            _cutStart = scan.ModelValueStart;
            _cutEnd = _cutStart + scan.ModelValueLength;
            Quote(targetModel);
        }

        Length = body.Length - (_cutEnd - _cutStart) + _insertedLength;
        Changes = true;
    }

    /// <summary>
    /// The next bytes, at most <paramref name="maxBytes"/>; fewer where a segment of the body or the replacement ends. False behind the
    /// last byte. The span is valid until the body or this rewrite is reused.
    /// </summary>
    public bool TryRead(int maxBytes, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (_body is null || _position >= Length || maxBytes <= 0)
        {
            return false;
        }

        if (_position < _cutStart)
        {
            bytes = _body.Slice(_position, Math.Min(maxBytes, _cutStart - _position));
        }
        else if (_position < _cutStart + _insertedLength)
        {
            bytes = _inserted.AsSpan(_position - _cutStart, Math.Min(maxBytes, _cutStart + _insertedLength - _position));
        }
        else
        {
            bytes = _body.Slice(_position - _insertedLength + (_cutEnd - _cutStart), maxBytes);
        }

        _position += bytes.Length;
        return !bytes.IsEmpty;
    }

    private void Quote(ReadOnlySpan<byte> text)
    {
        Add("\""u8);
        while (!text.IsEmpty)
        {
            var n = text.IndexOfAny(Escaped);
            Add(n < 0 ? text : text[..n]);
            if (n < 0)
            {
                break;
            }

            var c = text[n];
            text = text[(n + 1)..];
            if (c is (byte)'"' or (byte)'\\')
            {
                Add([(byte)'\\', c]);
            }
            else
            {
                Add([(byte)'\\', (byte)'u', (byte)'0', (byte)'0', (byte)('0' + (c >> 4)), "0123456789abcdef"u8[c & 15]]);
            }
        }

        Add("\""u8);
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        if (_insertedLength + bytes.Length > _inserted.Length)
        {
            Array.Resize(ref _inserted, Math.Max(_inserted.Length * 2, _insertedLength + bytes.Length));
        }

        bytes.CopyTo(_inserted.AsSpan(_insertedLength));
        _insertedLength += bytes.Length;
    }
}
