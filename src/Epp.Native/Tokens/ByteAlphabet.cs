using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens;

/// <summary>
/// The printable characters that stand for bytes in byte-level vocabularies: the visible ones of Latin-1 for themselves, the other 68
/// bytes in order for U+0100 and up.
/// </summary>
internal static class ByteAlphabet
{
    private const int FirstStandIn = 0x100;

    /// <summary>How many bytes do not stand for themselves.</summary>
    private const int StandIns = 68;

    public static int CharacterOf(byte b) => b switch
    {
        <= 0x20 => FirstStandIn + b,
        >= 0x7F and <= 0xA0 => FirstStandIn + 33 + (b - 0x7F),
        0xAD => FirstStandIn + 67,
        _ => b,
    };

    /// <summary>The byte a character stands for; -1 where it stands for none.</summary>
    public static int ByteOf(int character)
    {
        var index = character - FirstStandIn;
        if ((uint)index < StandIns)
        {
            return index <= 0x20 ? index : index < 67 ? 0x7F + (index - 33) : 0xAD;
        }

        return (uint)character < 0x100 && CharacterOf((byte)character) == character ? character : -1;
    }

    /// <summary>Writes the bytes that the characters of a token stand for; -1 where one stands for none.</summary>
    public static int Decode(ReadOnlySpan<byte> token, Span<byte> into)
    {
        var count = 0;
        for (var at = 0; at < token.Length;)
        {
            var b = ByteOf(Utf8Text.Read(token, at, out at));
            if (b < 0)
            {
                return -1;
            }

            into[count++] = (byte)b;
        }

        return count;
    }
}
