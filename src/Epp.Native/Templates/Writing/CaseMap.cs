using System.Globalization;
using System.Text;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Writing;

/// <summary>Python's case mappings and character classes.</summary>
internal static partial class CaseMap
{
    public static void Upper(TextBuffer output, ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            var rune = Next(ref text);
            Write(output, rune, SpecialUpper, Rune.ToUpperInvariant(rune));
        }
    }

    /// <summary>Lower case; a sigma at the end of a word has its own form unless <paramref name="folds"/>.</summary>
    public static void Lower(TextBuffer output, ReadOnlySpan<byte> text, bool folds = false)
    {
        var afterLetter = false;
        while (!text.IsEmpty)
        {
            var rune = Next(ref text);
            WriteLower(output, rune, afterLetter && !folds, text);
            afterLetter = IsCased(rune);
        }
    }

    public static void CaseFold(TextBuffer output, ReadOnlySpan<byte> text)
    {
        var mark = output.Length;
        Upper(output, text);
        var upper = output.Length;
        Lower(output, output.From(mark).ToArray(), folds: true);
        var folded = output.From(upper).ToArray();
        output.CutTo(mark);
        output.Write(folded);
    }

    public static void SwapCase(TextBuffer output, ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            var rune = Next(ref text);
            if (IsUpper(rune))
            {
                WriteLower(output, rune, atEnd: false, text);
            }
            else
            {
                Write(output, rune, SpecialUpper, Rune.ToUpperInvariant(rune));
            }
        }
    }

    /// <summary><c>str.title</c>: a letter after something else begins a word.</summary>
    public static void Title(TextBuffer output, ReadOnlySpan<byte> text)
    {
        var inWord = false;
        while (!text.IsEmpty)
        {
            var rune = Next(ref text);
            if (inWord)
            {
                WriteLower(output, rune, atEnd: true, text);
            }
            else
            {
                WriteTitle(output, rune);
            }

            inWord = IsCased(rune);
        }
    }

    public static void Capitalize(TextBuffer output, ReadOnlySpan<byte> text)
    {
        if (!text.IsEmpty)
        {
            WriteTitle(output, Next(ref text));
            Lower(output, text);
        }
    }

    public static bool IsUpper(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.UppercaseLetter
        || rune.Value is (>= 0x2160 and <= 0x216F) or (>= 0x24B6 and <= 0x24CF) or (>= 0x1F130 and <= 0x1F149)
            or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);

    public static bool IsLower(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.LowercaseLetter
        || rune.Value is 0xAA or 0xBA or (>= 0x2B0 and <= 0x2B8) or 0x2C0 or 0x2C1 or (>= 0x2E0 and <= 0x2E4)
            or (>= 0x1D2C and <= 0x1D6A) or (>= 0x2170 and <= 0x217F) or (>= 0x24D0 and <= 0x24E9);

    public static bool IsCased(Rune rune) =>
        IsUpper(rune) || IsLower(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.TitlecaseLetter;

    public static bool IsAlpha(Rune rune) => Rune.GetUnicodeCategory(rune) <= UnicodeCategory.OtherLetter;

    public static bool IsDecimal(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber;

    public static bool IsDigit(Rune rune) =>
        IsDecimal(rune) || (!rune.IsAscii && CharUnicodeInfo.GetDigitValue(rune.ToString(), 0) >= 0);

    public static bool IsNumeric(Rune rune) => Rune.GetNumericValue(rune) >= 0 || rune.Value == 0x0F33;

    /// <summary>What <c>repr</c> shows as it is.</summary>
    public static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.SpaceSeparator);

    public static void Write(TextBuffer output, Rune rune)
    {
        Span<byte> bytes = stackalloc byte[4];
        output.Write(bytes[..rune.EncodeToUtf8(bytes)]);
    }

    private static Rune Next(ref ReadOnlySpan<byte> text)
    {
        var rune = Utf8Text.First(text, out var length);
        text = text[length..];
        return rune;
    }

    private static void WriteTitle(TextBuffer output, Rune rune)
    {
        if (!TrySpecial(output, rune, SpecialTitle))
        {
            Write(output, rune, SpecialUpper, Rune.ToUpperInvariant(rune));
        }
    }

    private static void WriteLower(TextBuffer output, Rune rune, bool atEnd, ReadOnlySpan<byte> rest)
    {
        if (rune.Value == 0x130)
        {
            output.Write("i\u0307"u8);
        }
        else if (rune.Value == 0x3A3 && atEnd && (rest.IsEmpty || !IsCased(Utf8Text.First(rest, out _))))
        {
            output.Write("ς"u8);
        }
        else
        {
            Write(output, Rune.ToLowerInvariant(rune));
        }
    }

    private static void Write(TextBuffer output, Rune rune, string special, Rune simple)
    {
        if (rune.IsAscii || !TrySpecial(output, rune, special))
        {
            Write(output, simple);
        }
    }

    private static bool TrySpecial(TextBuffer output, Rune rune, string table)
    {
        // The special ones lie in few places.
        if (rune.Value is < 0xDF or > 0xFB17 or (>= 0x2000 and < 0xFB00) || !rune.IsBmp)
        {
            return false;
        }

        for (var at = 0; at < table.Length;)
        {
            var end = table.IndexOf(';', at);
            if (table[at] == rune.Value)
            {
                foreach (var target in table.AsSpan(at + 1, end - at - 1).EnumerateRunes())
                {
                    Write(output, target);
                }

                return true;
            }

            at = end + 1;
        }

        return false;
    }
}
