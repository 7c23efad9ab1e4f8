using System.Runtime.CompilerServices;

namespace Epp.Native.Tokens.Unicode;

/// <summary>Code points of valid UTF-8. Positions must stand on boundaries; text is validated once, before anything reads it.</summary>
internal static class Utf8Text
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Read(ReadOnlySpan<byte> text, int at, out int next)
    {
        int first = text[at];
        if (first < 0x80)
        {
            next = at + 1;
            return first;
        }

        return ReadLong(text, at, first, out next);
    }

    /// <summary>The boundary before a position that is not the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Previous(ReadOnlySpan<byte> text, int at)
    {
        do
        {
            at--;
        }
        while ((text[at] & 0xC0) == 0x80);
        return at;
    }

    /// <summary>Bytes of the code point that starts with this byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int LengthOf(byte first) => first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

    /// <summary>Writes up to four bytes, returns how many.</summary>
    public static int Write(int codePoint, Span<byte> into)
    {
        if (codePoint < 0x80)
        {
            into[0] = (byte)codePoint;
            return 1;
        }

        if (codePoint < 0x800)
        {
            into[1] = (byte)(0x80 | (codePoint & 0x3F));
            into[0] = (byte)(0xC0 | (codePoint >> 6));
            return 2;
        }

        if (codePoint < 0x10000)
        {
            into[2] = (byte)(0x80 | (codePoint & 0x3F));
            into[1] = (byte)(0x80 | ((codePoint >> 6) & 0x3F));
            into[0] = (byte)(0xE0 | (codePoint >> 12));
            return 3;
        }

        into[3] = (byte)(0x80 | (codePoint & 0x3F));
        into[2] = (byte)(0x80 | ((codePoint >> 6) & 0x3F));
        into[1] = (byte)(0x80 | ((codePoint >> 12) & 0x3F));
        into[0] = (byte)(0xF0 | (codePoint >> 18));
        return 4;
    }

    private static int ReadLong(ReadOnlySpan<byte> text, int at, int first, out int next)
    {
        if (first < 0xE0)
        {
            next = at + 2;
            return ((first & 0x1F) << 6) | (text[at + 1] & 0x3F);
        }

        var middle = ((text[at + 1] & 0x3F) << 6) | (text[at + 2] & 0x3F);
        if (first < 0xF0)
        {
            next = at + 3;
            return ((first & 0x0F) << 12) | middle;
        }

        next = at + 4;
        return ((first & 0x07) << 18) | (middle << 6) | (text[at + 3] & 0x3F);
    }
}
