using System.Buffers;
using System.Text;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Writing;

/// <summary>Python's view of text over UTF-8 bytes that are known to be valid: code points, white space, line ends.</summary>
internal static class Utf8Text
{
    /// <summary>
    /// Bytes of the white space character that begins <paramref name="text"/>; 0 = none does. Python's <c>str.isspace</c> also takes the four
    /// separators from U+001C on, which are no white space in Unicode.
    /// </summary>
    public static int SpaceLength(ReadOnlySpan<byte> text, bool isPython = true)
    {
        if (text.IsEmpty)
        {
            return 0;
        }

        if (text[0] < 0x80)
        {
            return text[0] is (byte)' ' or (>= 9 and <= 13) || (isPython && text[0] is >= 0x1c and <= 0x1f) ? 1 : 0;
        }

        return IsWideSpace(text, out var length) ? length : 0;
    }

    /// <summary>Bytes of the line end (<c>str.splitlines</c>) that begins <paramref name="text"/>; 0 = none does.</summary>
    public static int LineEndLength(ReadOnlySpan<byte> text) => text[0] switch
    {
        (byte)'\r' => text.Length > 1 && text[1] == '\n' ? 2 : 1,
        (>= 10 and <= 12) or (>= 0x1c and <= 0x1e) => 1,
        0xC2 when text.Length > 1 && text[1] == 0x85 => 2,
        0xE2 when text.Length > 2 && text[1] == 0x80 && text[2] is 0xA8 or 0xA9 => 3,
        _ => 0,
    };

    public static ReadOnlySpan<byte> TrimStart(ReadOnlySpan<byte> text, bool isPython = true)
    {
        while (SpaceLength(text, isPython) is > 0 and var length)
        {
            text = text[length..];
        }

        return text;
    }

    public static ReadOnlySpan<byte> TrimEnd(ReadOnlySpan<byte> text, bool isPython = true)
    {
        while (!text.IsEmpty)
        {
            var start = LastStart(text);
            if (SpaceLength(text[start..], isPython) == 0)
            {
                break;
            }

            text = text[..start];
        }

        return text;
    }

    /// <summary>Removes leading and trailing characters that occur in <paramref name="set"/>.</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text, ReadOnlySpan<byte> set, bool atStart, bool atEnd)
    {
        while (atStart && !text.IsEmpty && set.IndexOf(text[..RuneLength(text[0])]) >= 0)
        {
            text = text[RuneLength(text[0])..];
        }

        while (atEnd && !text.IsEmpty && set.IndexOf(text[LastStart(text)..]) >= 0)
        {
            text = text[..LastStart(text)];
        }

        return text;
    }

    /// <summary>Where the last character begins.</summary>
    public static int LastStart(ReadOnlySpan<byte> text)
    {
        var start = text.Length - 1;
        while (start > 0 && (text[start] & 0xC0) == 0x80)
        {
            start--;
        }

        return start;
    }

    public static int RuneLength(byte first) => first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

    /// <summary>Number of code points.</summary>
    public static int Count(ReadOnlySpan<byte> text)
    {
        if (Ascii.IsValid(text))
        {
            return text.Length;
        }

        var count = 0;
        foreach (var b in text)
        {
            count += (b & 0xC0) != 0x80 ? 1 : 0;
        }

        return count;
    }

    /// <summary>Byte offset of a code point; the length of the text where it has fewer.</summary>
    public static int Offset(ReadOnlySpan<byte> text, int index)
    {
        var at = 0;
        for (; index > 0 && at < text.Length; index--)
        {
            at += RuneLength(text[at]);
        }

        return Math.Min(at, text.Length);
    }

    /// <summary>The first code point and its bytes.</summary>
    public static Rune First(ReadOnlySpan<byte> text, out int length)
    {
        return Rune.DecodeFromUtf8(text, out var rune, out length) == OperationStatus.Done ? rune : Rune.ReplacementChar;
    }

    /// <summary>Value of a digit up to base 16; 99 for anything else.</summary>
    public static int DigitValue(byte c) => c switch
    {
        >= (byte)'0' and <= (byte)'9' => c - '0',
        >= (byte)'a' and <= (byte)'f' => c - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => c - 'A' + 10,
        _ => 99,
    };

    private static bool IsWideSpace(ReadOnlySpan<byte> text, out int length)
    {
        var rune = First(text, out length).Value;
        return rune is 0x85 or 0xA0 or 0x1680 or (>= 0x2000 and <= 0x200A) or 0x2028 or 0x2029 or 0x202F or 0x205F or 0x3000;
    }
}
