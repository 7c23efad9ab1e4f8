using System.Buffers.Binary;

namespace Epp.Hashing;

/// <summary>
/// Writes <c>(parent: bytes, tokens: tuple of int, extras: tuple or None)</c> as CPython 3 pickles it with protocol 5
/// (https://docs.python.org/3/library/pickletools.html), and as canonical CBOR. Buffers are reused; not thread-safe.
/// </summary>
internal sealed partial class PythonTuple
{
    private const int FrameHeaderBytes = 11;
    private const byte Memoize = 0x94;
    private const int CborUnsigned = 0;
    private const int CborNegative = 1;
    private const int CborBytes = 2;
    private const int CborTextType = 3;
    private const int CborArray = 4;

    /// <summary>Sixty-four atoms that Python keeps one object for are remembered; a block with more is not seen in practice.</summary>
    private readonly (VllmExtraKeys.Atom Atom, int Memo)[] _shared = new (VllmExtraKeys.Atom, int)[64];
    private byte[] _bytes = new byte[1024];
    private int _length;
    private int _memos;
    private int _sharedCount;

    /// <summary>A pickled text.</summary>
    public ReadOnlySpan<byte> PickleText(ReadOnlySpan<byte> utf8)
    {
        StartPickle();
        Text(utf8);
        return EndPickle();
    }

    /// <summary>The pickled tuple; a look-ahead wraps the extras: <c>(extras, next tokens …)</c>.</summary>
    public ReadOnlySpan<byte> Pickle(ReadOnlySpan<byte> parent, ReadOnlySpan<uint> tokens, ReadOnlySpan<uint> next, VllmExtraKeys? extras, int block)
    {
        StartPickle();
        Bytes(parent);
        BeginTuple(tokens.Length);
        Numbers(tokens);
        EndTuple(tokens.Length);
        if (!next.IsEmpty)
        {
            BeginTuple(next.Length + 1);
        }

        Extras(extras, block);
        if (!next.IsEmpty)
        {
            Numbers(next);
            EndTuple(next.Length + 1);
        }

        EndTuple(3);
        return EndPickle();
    }

    private static int Items(ReadOnlySpan<VllmExtraKeys.Atom> atoms)
    {
        var items = 0;
        for (var i = 0; i < atoms.Length; i++)
        {
            i += atoms[i].Kind == VllmExtraKeys.AtomKind.Tuple ? (int)atoms[i].Number : 0;
            items++;
        }

        return items;
    }

    private void StartPickle()
    {
        _length = FrameHeaderBytes;
        _memos = 0;
        _sharedCount = 0;
    }

    private ReadOnlySpan<byte> EndPickle()
    {
        Byte((byte)'.');
        // PROTO 5, FRAME, length of what follows.
        _bytes[0] = 0x80;
        _bytes[1] = 5;
        _bytes[2] = 0x95;
        BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(3), _length - FrameHeaderBytes);
        return _bytes.AsSpan(0, _length);
    }

    private void Extras(VllmExtraKeys? extras, int block)
    {
        var atoms = extras is null ? default : extras.Of(block);
        if (atoms.IsEmpty)
        {
            Byte((byte)'N');
            return;
        }

        var items = Items(atoms);
        BeginTuple(items);
        for (var i = 0; i < atoms.Length; i++)
        {
            if (atoms[i].Kind != VllmExtraKeys.AtomKind.Tuple)
            {
                Atom(extras!, atoms[i]);
                continue;
            }

            var inner = (int)atoms[i].Number;
            for (var left = inner; left > 0 && i + 1 < atoms.Length; left--)
            {
                Atom(extras!, atoms[++i]);
            }

            EndTuple(inner);
        }

        EndTuple(items);
    }

    private void Atom(VllmExtraKeys extras, VllmExtraKeys.Atom atom)
    {
        var content = extras.Content(atom);
        switch (atom.Kind)
        {
            case VllmExtraKeys.AtomKind.Number:
                Number(atom.Number);
                break;
            case VllmExtraKeys.AtomKind.Bytes:
                Bytes(content);
                break;
            default:
                if (IsShared(atom, content) && !TryRepeat(extras, atom, content))
                {
                    Remember(atom);
                    Text(content);
                }
                else if (!IsShared(atom, content))
                {
                    Text(content);
                }

                break;
        }
    }

    /// <summary>Python has one object for each literal and for each text of one Latin-1 character; a second use refers to the first.</summary>
    private static bool IsShared(VllmExtraKeys.Atom atom, ReadOnlySpan<byte> content) =>
        atom.Kind == VllmExtraKeys.AtomKind.Tag || content.Length == 1 || (content.Length == 2 && content[0] is 0xC2 or 0xC3);

    private bool TryRepeat(VllmExtraKeys extras, VllmExtraKeys.Atom atom, ReadOnlySpan<byte> content)
    {
        foreach (var (known, memo) in _shared.AsSpan(0, _sharedCount))
        {
            if (known.Kind == atom.Kind && extras.Content(known).SequenceEqual(content))
            {
                Byte((byte)(memo <= byte.MaxValue ? 'h' : 'j'));
                LittleEndian((ulong)memo, memo <= byte.MaxValue ? 1 : 4);
                return true;
            }
        }

        return false;
    }

    private void Remember(VllmExtraKeys.Atom atom)
    {
        if (_sharedCount < _shared.Length)
        {
            _shared[_sharedCount++] = (atom, _memos);
        }
    }

    private void Text(ReadOnlySpan<byte> utf8)
    {
        var isShort = utf8.Length <= byte.MaxValue;
        Byte((byte)(isShort ? 0x8C : 'X'));
        LittleEndian((ulong)utf8.Length, isShort ? 1 : 4);
        Raw(utf8);
        Memo();
    }

    private void Bytes(ReadOnlySpan<byte> bytes)
    {
        var isShort = bytes.Length <= byte.MaxValue;
        Byte((byte)(isShort ? 'C' : 'B'));
        LittleEndian((ulong)bytes.Length, isShort ? 1 : 4);
        Raw(bytes);
        Memo();
    }

    private void Numbers(ReadOnlySpan<uint> numbers)
    {
        foreach (var number in numbers)
        {
            Number(number);
        }
    }

    private void Number(long number)
    {
        switch (number)
        {
            case >= 0 and <= byte.MaxValue:
                Byte((byte)'K');
                LittleEndian((ulong)number, 1);
                break;
            case >= 0 and <= ushort.MaxValue:
                Byte((byte)'M');
                LittleEndian((ulong)number, 2);
                break;
            case >= int.MinValue and <= int.MaxValue:
                Byte((byte)'J');
                LittleEndian((ulong)number, 4);
                break;
            default:
                // LONG1: the fewest bytes of two's complement.
                var bytes = 8 - ((System.Numerics.BitOperations.LeadingZeroCount((ulong)(number < 0 ? ~number : number)) - 1) / 8);
                Byte(0x8A);
                Byte((byte)bytes);
                LittleEndian((ulong)number, bytes);
                break;
        }
    }

    private void BeginTuple(int items)
    {
        if (items > 3)
        {
            Byte((byte)'(');
        }
    }

    private void EndTuple(int items)
    {
        Byte(items > 3 ? (byte)'t' : (byte)(0x84 + items));
        Memo();
    }

    private void Memo()
    {
        Byte(Memoize);
        _memos++;
    }

    private void LittleEndian(ulong value, int bytes)
    {
        for (; bytes > 0; bytes--)
        {
            Byte((byte)value);
            value >>= 8;
        }
    }

    private void Byte(byte value)
    {
        if (_length == _bytes.Length)
        {
            Array.Resize(ref _bytes, 2 * _length);
        }

        _bytes[_length++] = value;
    }

    private void Raw(ReadOnlySpan<byte> bytes)
    {
        if (_length + bytes.Length > _bytes.Length)
        {
            Array.Resize(ref _bytes, 2 * (_length + bytes.Length));
        }

        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }
}
