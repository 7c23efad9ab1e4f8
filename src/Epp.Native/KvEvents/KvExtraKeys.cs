using Epp.Native.Wire;

namespace Epp.Native.KvEvents;

/// <summary>What one extra key is.</summary>
public enum KvExtraKeyKind : byte
{
    /// <summary>A text: LoRA name, cache salt, or (vLLM 0.11 … 0.18) a multimodal identifier; only its place tells which.</summary>
    Text = 0,

    /// <summary>A multimodal identifier with its offset in the block, which is negative where the object began in an earlier block.</summary>
    Multimodal,

    /// <summary>Digest of prompt embeddings (vLLM 0.18 on), or the embeddings themselves.</summary>
    Bytes,
}

/// <summary>
/// Walks the extra keys of a stored event, block by block:
/// <c>extra_keys: nil | [ nil | [ text | bytes | [text, offset] … ] … ]</c>, one entry per block. Keys of other shapes are passed over.
/// </summary>
public ref struct KvExtraKeys
{
    private MsgPackReader _reader;
    private int _blocksLeft;
    private int _keysLeft;

    /// <summary>Begins at the first block of <see cref="KvStored.ExtraKeys"/>.</summary>
    public KvExtraKeys(ReadOnlySpan<byte> extraKeys)
    {
        _reader = new MsgPackReader(extraKeys);
        _reader.TryReadArray(out _blocksLeft);
    }

    /// <summary>Kind of the key at hand.</summary>
    public KvExtraKeyKind Kind { get; private set; }

    /// <summary>Text or bytes of the key at hand.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Offset of a multimodal key in its block, in tokens.</summary>
    public long Offset { get; private set; }

    /// <summary>Goes to the next block; false after the last. Blocks without keys count too.</summary>
    public bool NextBlock()
    {
        while (_keysLeft > 0)
        {
            NextKey();
        }

        if (_blocksLeft == 0 || _reader.Failed)
        {
            return false;
        }

        _blocksLeft--;
        if (!_reader.TryReadArray(out _keysLeft))
        {
            _reader.Skip();
        }

        return !_reader.Failed;
    }

    /// <summary>Goes to the next key of the block; false after the last.</summary>
    public bool NextKey()
    {
        while (_keysLeft > 0 && !_reader.Failed)
        {
            _keysLeft--;
            if (TryReadKey())
            {
                return true;
            }
        }

        _keysLeft = 0;
        return false;
    }

    private bool TryReadKey()
    {
        Kind = _reader.Peek() == MsgPackKind.Text ? KvExtraKeyKind.Text : KvExtraKeyKind.Bytes;
        if (_reader.TryReadBytes(out var value))
        {
            Value = value;
            return true;
        }

        var before = _reader;
        if (_reader.TryReadArray(out var items) && items == 2 && _reader.TryReadText(out value) && _reader.TryReadInteger(out var offset, out _))
        {
            Kind = KvExtraKeyKind.Multimodal;
            Value = value;
            Offset = (long)offset;
            return true;
        }

        _reader = before;
        _reader.Skip();
        return false;
    }
}
