namespace Epp.Hashing;

/// <summary>The same tuples as canonical CBOR (RFC 8949).</summary>
internal sealed partial class PythonTuple
{
    /// <summary>A text in CBOR.</summary>
    public ReadOnlySpan<byte> CborText(ReadOnlySpan<byte> utf8)
    {
        _length = 0;
        Head(CborTextType, (ulong)utf8.Length);
        Raw(utf8);
        return _bytes.AsSpan(0, _length);
    }

    /// <summary>The tuple in canonical CBOR: tuples are arrays, None is null.</summary>
    public ReadOnlySpan<byte> Cbor(ReadOnlySpan<byte> parent, ReadOnlySpan<uint> tokens, ReadOnlySpan<uint> next, VllmExtraKeys? extras, int block)
    {
        _length = 0;
        Head(CborArray, 3);
        Head(CborBytes, (ulong)parent.Length);
        Raw(parent);
        Head(CborArray, (ulong)tokens.Length);
        foreach (var token in tokens)
        {
            Head(CborUnsigned, token);
        }

        if (!next.IsEmpty)
        {
            Head(CborArray, (ulong)next.Length + 1);
        }

        CborExtras(extras, block);
        foreach (var token in next)
        {
            Head(CborUnsigned, token);
        }

        return _bytes.AsSpan(0, _length);
    }

    private void CborExtras(VllmExtraKeys? extras, int block)
    {
        var atoms = extras is null ? default : extras.Of(block);
        if (atoms.IsEmpty)
        {
            Byte(0xF6);
            return;
        }

        Head(CborArray, (ulong)Items(atoms));
        foreach (var atom in atoms)
        {
            switch (atom.Kind)
            {
                case VllmExtraKeys.AtomKind.Tuple:
                    Head(CborArray, (ulong)atom.Number);
                    break;
                case VllmExtraKeys.AtomKind.Number:
                    Head(atom.Number < 0 ? CborNegative : CborUnsigned, (ulong)(atom.Number < 0 ? ~atom.Number : atom.Number));
                    break;
                default:
                    Head(atom.Kind == VllmExtraKeys.AtomKind.Bytes ? CborBytes : CborTextType, (ulong)atom.Length);
                    Raw(extras!.Content(atom));
                    break;
            }
        }
    }

    private void Head(int major, ulong value)
    {
        var (code, bytes) = value switch
        {
            < 24 => ((int)value, 0),
            <= byte.MaxValue => (24, 1),
            <= ushort.MaxValue => (25, 2),
            <= uint.MaxValue => (26, 4),
            _ => (27, 8),
        };
        Byte((byte)((major << 5) | code));
        while (bytes-- > 0)
        {
            Byte((byte)(value >> (8 * bytes)));
        }
    }
}
