using System.Text;
using Epp.Native.Templates.Values;
using Epp.Native.Tokens.Unicode;
using CodePoints = Epp.Native.Tokens.Unicode.Utf8Text;

namespace Epp.Native.Templates.Writing;

/// <summary>Python's case mappings and character classes, by the tables of <see cref="PythonCharacters"/>.</summary>
internal static class CaseMap
{
    private const int CapitalSigma = 0x3A3;

    private static readonly CodePointTable ClassOf = new(PythonCharacters.Classes);
    private static readonly CodePointMap UpperOf = new(PythonCharacters.Upper);
    private static readonly CodePointMap LowerOf = new(PythonCharacters.Lower);
    private static readonly CodePointMap TitleOf = new(PythonCharacters.Title);
    private static readonly CodePointMap FoldOf = new(PythonCharacters.Fold);

    // In the order of build/unicode/python.mjs.
    [Flags]
    private enum Classes
    {
        Alpha = 1 << 0,
        Decimal = 1 << 1,
        Digit = 1 << 2,
        Numeric = 1 << 3,
        Upper = 1 << 4,
        Lower = 1 << 5,
        Title = 1 << 6,
        CaseIgnorable = 1 << 7,
        Printable = 1 << 8,
        IdentifierStart = 1 << 9,
        IdentifierPart = 1 << 10,
    }

    public static void Upper(TextBuffer output, ReadOnlySpan<byte> text)
    {
        for (var at = 0; at < text.Length;)
        {
            Map(output, CodePoints.Read(text, at, out at), UpperOf);
        }
    }

    /// <summary>Lower case; a sigma at the end of a word has its own form.</summary>
    public static void Lower(TextBuffer output, ReadOnlySpan<byte> text) => Lower(output, text, 0);

    public static void CaseFold(TextBuffer output, ReadOnlySpan<byte> text)
    {
        for (var at = 0; at < text.Length;)
        {
            Map(output, CodePoints.Read(text, at, out at), FoldOf, LowerOf);
        }
    }

    public static void SwapCase(TextBuffer output, ReadOnlySpan<byte> text)
    {
        for (var at = 0; at < text.Length;)
        {
            var (start, c) = (at, CodePoints.Read(text, at, out at));
            if (IsUpper(c))
            {
                Lower(output, text, start, c);
            }
            else if (IsLower(c))
            {
                Map(output, c, UpperOf);
            }
            else
            {
                output.Write(text[start..at]);
            }
        }
    }

    /// <summary><c>str.title</c>: a letter after something else begins a word.</summary>
    public static void Title(TextBuffer output, ReadOnlySpan<byte> text)
    {
        var inWord = false;
        for (var at = 0; at < text.Length;)
        {
            var (start, c) = (at, CodePoints.Read(text, at, out at));
            if (inWord)
            {
                Lower(output, text, start, c);
            }
            else
            {
                Map(output, c, TitleOf, UpperOf);
            }

            inWord = IsCased(c);
        }
    }

    public static void Capitalize(TextBuffer output, ReadOnlySpan<byte> text)
    {
        if (!text.IsEmpty)
        {
            Map(output, CodePoints.Read(text, 0, out var next), TitleOf, UpperOf);
            Lower(output, text, next);
        }
    }

    public static bool IsUpper(int c) => Has(c, Classes.Upper);

    public static bool IsLower(int c) => Has(c, Classes.Lower);

    public static bool IsCased(int c) => Has(c, Classes.Upper | Classes.Lower | Classes.Title);

    public static bool IsAlpha(int c) => Has(c, Classes.Alpha);

    public static bool IsDecimal(int c) => Has(c, Classes.Decimal);

    public static bool IsDigit(int c) => Has(c, Classes.Digit);

    public static bool IsNumeric(int c) => Has(c, Classes.Numeric);

    /// <summary>What may begin a name; what may stand inside one, where <paramref name="isFirst"/> is false.</summary>
    public static bool IsIdentifier(int c, bool isFirst) => Has(c, isFirst ? Classes.IdentifierStart : Classes.IdentifierPart);

    /// <summary>What <c>repr</c> shows as it is.</summary>
    public static bool IsPrintable(int c) => Has(c, Classes.Printable);

    /// <summary>A character that stands alone, in upper or lower case.</summary>
    public static void Write(TextBuffer output, int c, bool upper) => Map(output, c, upper ? UpperOf : LowerOf);

    public static void Write(TextBuffer output, Rune rune)
    {
        Span<byte> bytes = stackalloc byte[4];
        output.Write(bytes[..rune.EncodeToUtf8(bytes)]);
    }

    private static bool Has(int c, Classes any) => ((Classes)PythonCharacters.Combinations[ClassOf[c]] & any) != 0;

    private static void Lower(TextBuffer output, ReadOnlySpan<byte> text, int from)
    {
        for (var at = from; at < text.Length;)
        {
            var (start, c) = (at, CodePoints.Read(text, at, out at));
            Lower(output, text, start, c);
        }
    }

    private static void Lower(TextBuffer output, ReadOnlySpan<byte> text, int at, int c)
    {
        if (c == CapitalSigma && EndsWord(text, at))
        {
            output.Write("ς"u8);
        }
        else
        {
            Map(output, c, LowerOf);
        }
    }

    /// <summary>Whether a letter stands before the sigma at <paramref name="at"/> and none behind; what has no say in case is passed over.</summary>
    private static bool EndsWord(ReadOnlySpan<byte> text, int at)
    {
        var before = 0;
        for (var i = at; i > 0;)
        {
            i = CodePoints.Previous(text, i);
            before = CodePoints.Read(text, i, out _);
            if (!Has(before, Classes.CaseIgnorable))
            {
                break;
            }
        }

        var after = 0;
        for (var i = at + 2; i < text.Length;)
        {
            after = CodePoints.Read(text, i, out i);
            if (!Has(after, Classes.CaseIgnorable))
            {
                break;
            }
        }

        return HasSay(before) && !HasSay(after);
        static bool HasSay(int c) => IsCased(c) && !Has(c, Classes.CaseIgnorable);
    }

    private static void Map(TextBuffer output, int c, CodePointMap map, CodePointMap? otherwise = null)
    {
        Span<byte> bytes = stackalloc byte[4];
        if (!map.TryGet(c, out var targets) && (otherwise is null || !otherwise.TryGet(c, out targets)))
        {
            output.Write(bytes[..CodePoints.Write(c, bytes)]);
            return;
        }

        foreach (var target in targets)
        {
            output.Write(bytes[..CodePoints.Write(target, bytes)]);
        }
    }
}
