namespace Epp.Hashing;

/// <summary>
/// The extra keys of a request's blocks as vLLM hashes them: adapter, multimodal objects, salt, prompt embeddings. Up to 0.18 they are
/// bare texts, from 0.23 an object is a pair with its offset, from 0.32 each is a tuple that starts with a tag. Blocks come in ascending
/// order. Reused; not thread-safe.
/// </summary>
public sealed class VllmExtraKeys
{
    /// <summary>Most bytes of one block's keys: with a block's tokens they stay inside one frame of a pickle.</summary>
    public const int MaxBlockBytes = 8192;

    private byte[] _bytes = [];
    private int _length;
    private Atom[] _atoms = [];
    private int _atomCount;
    private int[] _blocks = [];
    private int[] _firstAtoms = [];
    private int _blockCount;
    private int _blockBytes;

    internal enum AtomKind
    {
        Tuple,
        Text,
        Tag,
        Bytes,
        Number,
    }

    internal readonly record struct Atom(AtomKind Kind, int Start, int Length, long Number);

    /// <summary>Forgets everything; keeps the memory.</summary>
    public void Clear()
    {
        _length = 0;
        _atomCount = 0;
        _blockCount = 0;
    }

    /// <summary>Opens a block; the keys that follow are its.</summary>
    public void BeginBlock(int block)
    {
        if (_blockCount > 0 && block <= _blocks[_blockCount - 1])
        {
            throw new ArgumentOutOfRangeException(nameof(block), $"block {block} follows block {_blocks[_blockCount - 1]}; add blocks in ascending order");
        }

        if (_blockCount == _blocks.Length)
        {
            Array.Resize(ref _blocks, Math.Max(16, 2 * _blockCount));
            Array.Resize(ref _firstAtoms, _blocks.Length);
        }

        _blocks[_blockCount] = block;
        _firstAtoms[_blockCount++] = _atomCount;
        _blockBytes = 0;
    }

    /// <summary>Opens a tuple of the next <paramref name="atoms"/> atoms, 1 … 3.</summary>
    public bool BeginTuple(int atoms)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(atoms, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(atoms, 3);
        return Add(AtomKind.Tuple, default, atoms);
    }

    /// <summary>Adds a text, UTF-8; false where the block's keys would be over <see cref="MaxBlockBytes"/>.</summary>
    public bool Text(ReadOnlySpan<byte> utf8) => Add(AtomKind.Text, utf8, 0);

    /// <summary>Adds a tag of 0.32 and later: Python keeps one object for each, which its pickles show.</summary>
    public bool Tag(ReadOnlySpan<byte> utf8) => Add(AtomKind.Tag, utf8, 0);

    /// <summary>Adds a byte string.</summary>
    public bool Bytes(ReadOnlySpan<byte> bytes) => Add(AtomKind.Bytes, bytes, 0);

    /// <summary>Adds a number.</summary>
    public bool Number(long number) => Add(AtomKind.Number, default, number);

    internal ReadOnlySpan<Atom> Of(int block)
    {
        var at = Array.BinarySearch(_blocks, 0, _blockCount, block);
        return at < 0 ? default : _atoms.AsSpan(_firstAtoms[at]..(at + 1 < _blockCount ? _firstAtoms[at + 1] : _atomCount));
    }

    internal ReadOnlySpan<byte> Content(Atom atom) => _bytes.AsSpan(atom.Start, atom.Length);

    private bool Add(AtomKind kind, ReadOnlySpan<byte> content, long number)
    {
        // Each atom costs at most nine bytes of header.
        if (_blockBytes + content.Length + 9 > MaxBlockBytes)
        {
            return false;
        }

        _blockBytes += content.Length + 9;
        if (_length + content.Length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(256, 2 * (_length + content.Length)));
        }

        if (_atomCount == _atoms.Length)
        {
            Array.Resize(ref _atoms, Math.Max(16, 2 * _atomCount));
        }

        content.CopyTo(_bytes.AsSpan(_length));
        _atoms[_atomCount++] = new Atom(kind, _length, content.Length, number);
        _length += content.Length;
        return true;
    }
}
