using System.Buffers;
using System.Buffers.Text;

namespace Epp.Native.Tokens.Unicode;

/// <summary>Reads the LEB128 numbers of <see cref="UnicodeData"/>, which are stored as base64.</summary>
internal struct PackedNumbers
{
    private readonly byte[] _bytes;
    private int _at;

    public PackedNumbers(ReadOnlySpan<byte> base64)
    {
        _bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(base64.Length)];
        if (Base64.DecodeFromUtf8(base64, _bytes, out _, out var written) != OperationStatus.Done)
        {
            throw new InvalidOperationException("The Unicode tables are damaged; run build/unicode/generate.js.");
        }

        Length = written;
    }

    public int Length { get; }

    public readonly bool AtEnd => _at >= Length;

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
