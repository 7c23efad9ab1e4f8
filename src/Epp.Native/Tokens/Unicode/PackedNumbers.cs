namespace Epp.Native.Tokens.Unicode;

/// <summary>Reads the LEB128 numbers of <see cref="UnicodeData"/>.</summary>
internal ref struct PackedNumbers(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    public readonly bool AtEnd => _at >= _bytes.Length;

    public int Next()
    {
        var (value, shift) = (0, 0);
        while (true)
        {
            var b = _bytes[_at++];
            value |= (b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }

            shift += 7;
        }
    }
}
