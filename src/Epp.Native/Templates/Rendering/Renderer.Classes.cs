using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>Case mappings and classes of characters.</summary>
internal sealed partial class Renderer
{
    private Value CaseOrClass(in Value text, MethodId method)
    {
        var mark = _out.Length;
        switch (method)
        {
            case MethodId.Upper:
                CaseMap.Upper(_out, text.Span);
                return Cut(mark);
            case MethodId.Lower:
                CaseMap.Lower(_out, text.Span);
                return Cut(mark);
            case MethodId.Title when !_rules.IsPython:
                return RustTitle(text);
            case MethodId.Capitalize when !_rules.IsPython:
                return RustCapitalize(text);
            case MethodId.Title:
                CaseMap.Title(_out, text.Span);
                return Cut(mark);
            case MethodId.Capitalize:
                CaseMap.Capitalize(_out, text.Span);
                return Cut(mark);
            case MethodId.SwapCase:
                CaseMap.SwapCase(_out, text.Span);
                return Cut(mark);
            case MethodId.CaseFold:
                CaseMap.CaseFold(_out, text.Span);
                return Cut(mark);
            case >= MethodId.IsDigit when !_rules.IsPython:
                return Value.Bool(RustClass(text.Span, method));
            case MethodId.IsUpper or MethodId.IsLower or MethodId.IsTitle:
                return Value.Bool(IsCasedAs(text.Span, method));
            case MethodId.IsAscii or MethodId.IsPrintable when text.Length == 0:
                return Value.True;
            case MethodId.IsIdentifier:
                return Value.Bool(IsIdentifier(text.Span));
            default:
                return Value.Bool(text.Length > 0 && AllRunes(text.Span, method));
        }
    }

    private static bool AllRunes(ReadOnlySpan<byte> text, MethodId method)
    {
        while (!text.IsEmpty)
        {
            var rune = Utf8Text.First(text, out var length);
            var holds = method switch
            {
                MethodId.IsDigit => CaseMap.IsDigit(rune.Value),
                MethodId.IsDecimal => CaseMap.IsDecimal(rune.Value),
                MethodId.IsNumeric => CaseMap.IsNumeric(rune.Value),
                MethodId.IsAlpha => CaseMap.IsAlpha(rune.Value),
                MethodId.IsAlnum => CaseMap.IsAlpha(rune.Value) || CaseMap.IsNumeric(rune.Value) || CaseMap.IsDigit(rune.Value),
                MethodId.IsSpace => Utf8Text.SpaceLength(text) > 0,
                MethodId.IsAscii => rune.IsAscii,
                MethodId.IsUpper => CaseMap.IsUpper(rune.Value),
                MethodId.IsLower => CaseMap.IsLower(rune.Value),
                _ => CaseMap.IsPrintable(rune.Value),
            };
            if (!holds)
            {
                return false;
            }

            text = text[length..];
        }

        return true;
    }

    private static bool IsIdentifier(ReadOnlySpan<byte> text)
    {
        var isFirst = true;
        while (!text.IsEmpty)
        {
            var rune = Utf8Text.First(text, out var length);
            if (!CaseMap.IsIdentifier(rune.Value, isFirst))
            {
                return false;
            }

            text = text[length..];
            isFirst = false;
        }

        return !isFirst;
    }

    /// <summary>At least one letter with case, and all of them of the case asked for.</summary>
    private static bool IsCasedAs(ReadOnlySpan<byte> text, MethodId method)
    {
        var found = false;
        var afterCased = false;
        while (!text.IsEmpty)
        {
            var rune = Utf8Text.First(text, out var length);
            text = text[length..];
            var (isUpper, isLower) = (CaseMap.IsUpper(rune.Value), CaseMap.IsLower(rune.Value));
            var isCased = isUpper || isLower || CaseMap.IsCased(rune.Value);
            var isWrong = method switch
            {
                MethodId.IsUpper => isCased && !isUpper,
                MethodId.IsLower => isCased && !isLower,
                _ => isCased && (afterCased ? !isLower : isLower),
            };
            if (isWrong)
            {
                return false;
            }

            found |= isCased;
            afterCased = isCased;
        }

        return found;
    }
}
