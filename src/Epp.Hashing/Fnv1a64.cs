namespace Epp.Hashing;

/// <summary>FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): the hash of llm-d's block keys. Copy the value to branch.</summary>
public struct Fnv1a64
{
    private const ulong Offset = 0xCBF29CE484222325;
    private const ulong Prime = 0x100000001B3;

    private ulong _hash;

    public Fnv1a64() => _hash = Offset;

    /// <summary>The hash of everything appended.</summary>
    public readonly ulong Digest => _hash;

    /// <summary>The hash of <paramref name="data"/>.</summary>
    public static ulong Hash(ReadOnlySpan<byte> data)
    {
        var hash = new Fnv1a64();
        hash.Append(data);
        return hash._hash;
    }

    public void Append(ReadOnlySpan<byte> data)
    {
        var hash = _hash;
        foreach (var value in data)
        {
            hash = (hash ^ value) * Prime;
        }

        _hash = hash;
    }

    public void Append(byte value) => _hash = (_hash ^ value) * Prime;
}
