using System.Text;
using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;
using Epp.Native.Tokens.Unicode;
using Utf8Text = Epp.Native.Templates.Writing.Utf8Text;

namespace Epp.Native.Templates.Rendering;

/// <summary>Text as Rust's standard library sees it, where minijinja's methods and filters differ from Python's (its filters.rs and pycompat.rs).</summary>
internal sealed partial class Renderer
{
    /// <summary>A word begins behind white space and ASCII punctuation; a sigma has one form, and there is no title case.</summary>
    private Value RustTitle(in Value text)
    {
        var mark = _out.Length;
        var starts = true;
        ReadOnlySpan<byte> rest = text.Span;
        while (!rest.IsEmpty)
        {
            var rune = Utf8Text.First(rest, out var length);
            if (IsAsciiPunctuation(rune.Value) || Rune.IsWhiteSpace(rune))
            {
                _out.Write(rest[..length]);
                starts = true;
            }
            else
            {
                CaseMap.Write(_out, rune.Value, upper: starts);
                starts = false;
            }

            rest = rest[length..];
        }

        return Cut(mark);
    }

    /// <summary>The first character in upper case, the others, by themselves, in lower case.</summary>
    private Value RustCapitalize(in Value text)
    {
        var mark = _out.Length;
        if (text.Length > 0)
        {
            var first = Utf8Text.First(text.Span, out var length);
            CaseMap.Write(_out, first.Value, upper: true);
            CaseMap.Lower(_out, text.Span[length..]);
        }

        return Cut(mark);
    }

    /// <summary>Whether all characters are of a class; true where there are none.</summary>
    private static bool RustClass(ReadOnlySpan<byte> text, MethodId method)
    {
        while (!text.IsEmpty)
        {
            var rune = Utf8Text.First(text, out var length);
            var category = 1u << Categories.Table[rune.Value];
            var holds = method switch
            {
                MethodId.IsDigit or MethodId.IsNumeric => (category & Categories.Number) != 0,
                MethodId.IsAlpha => CodePointSets.Alphabetic.Contains(rune.Value),
                MethodId.IsAlnum => (category & Categories.Number) != 0 || CodePointSets.Alphabetic.Contains(rune.Value),
                MethodId.IsSpace => Rune.IsWhiteSpace(rune),
                MethodId.IsUpper => CaseMap.IsUpper(rune.Value),
                MethodId.IsLower => CaseMap.IsLower(rune.Value),
                _ => rune.IsAscii,
            };
            if (!holds)
            {
                return false;
            }

            text = text[length..];
        }

        return true;
    }

    /// <summary>Lines end with a line feed; a carriage return before it belongs to the end.</summary>
    private Value RustLines(in Value text, bool keepsEnds)
    {
        var mark = _top;
        for (var start = 0; start < text.Length && Charge(1);)
        {
            var length = text.Span[start..].IndexOf((byte)'\n');
            var end = length < 0 ? text.Length : start + length + 1;
            var kept = end - start;
            if (!keepsEnds && length >= 0)
            {
                kept -= length > 0 && text.Span[end - 2] == '\r' ? 2 : 1;
            }

            Push(text.Slice(start, kept));
            start = end;
        }

        return PopList(mark);
    }

    private static bool IsAsciiPunctuation(int c) => c is (>= '!' and <= '/') or (>= ':' and <= '@') or (>= '[' and <= '`') or (>= '{' and <= '~');
}
