using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Parsing;

/// <summary>A method or attribute that Python's types have.</summary>
internal enum MethodId
{
    None,
    Strip,
    LStrip,
    RStrip,
    Split,
    RSplit,
    SplitLines,
    StartsWith,
    EndsWith,
    Find,
    RFind,
    Index,
    RIndex,
    Count,
    Replace,
    Join,
    Upper,
    Lower,
    Title,
    Capitalize,
    SwapCase,
    CaseFold,
    IsDigit,
    IsDecimal,
    IsNumeric,
    IsAlpha,
    IsAlnum,
    IsSpace,
    IsUpper,
    IsLower,
    IsTitle,
    IsAscii,
    IsIdentifier,
    IsPrintable,
    Format,
    FormatMap,
    ZFill,
    Center,
    LJust,
    RJust,
    Encode,
    Partition,
    RPartition,
    RemovePrefix,
    RemoveSuffix,
    ExpandTabs,
    Translate,
    MakeTrans,
    Items,
    Keys,
    Values,
    Get,
    Copy,
    FromKeys,
    BitLength,
    BitCount,
    IsInteger,
    Real,
    Imag,
    Numerator,
    Denominator,
    Conjugate,

    /// <summary>Changes a list or dict: the sandbox forbids it.</summary>
    Append,
    Clear,
    Extend,
    Insert,
    Pop,
    Remove,
    Reverse,
    Sort,
    PopItem,
    SetDefault,
    Update,
}

/// <summary>Which types have which methods.</summary>
internal static class Methods
{
    /// <summary>Number of a method; None for names that no type has.</summary>
    public static MethodId Find(ReadOnlySpan<byte> name) =>
        Find(AsciiName.Widen(name, stackalloc char[AsciiName.MaxLength]));

    private static MethodId Find(ReadOnlySpan<char> name) => name switch
    {
        "strip" => MethodId.Strip,
        "lstrip" => MethodId.LStrip,
        "rstrip" => MethodId.RStrip,
        "split" => MethodId.Split,
        "rsplit" => MethodId.RSplit,
        "splitlines" => MethodId.SplitLines,
        "startswith" => MethodId.StartsWith,
        "endswith" => MethodId.EndsWith,
        "find" => MethodId.Find,
        "rfind" => MethodId.RFind,
        "index" => MethodId.Index,
        "rindex" => MethodId.RIndex,
        "count" => MethodId.Count,
        "replace" => MethodId.Replace,
        "join" => MethodId.Join,
        "upper" => MethodId.Upper,
        "lower" => MethodId.Lower,
        "title" => MethodId.Title,
        "capitalize" => MethodId.Capitalize,
        "swapcase" => MethodId.SwapCase,
        "casefold" => MethodId.CaseFold,
        "isdigit" => MethodId.IsDigit,
        "isdecimal" => MethodId.IsDecimal,
        "isnumeric" => MethodId.IsNumeric,
        "isalpha" => MethodId.IsAlpha,
        "isalnum" => MethodId.IsAlnum,
        "isspace" => MethodId.IsSpace,
        "isupper" => MethodId.IsUpper,
        "islower" => MethodId.IsLower,
        "istitle" => MethodId.IsTitle,
        "isascii" => MethodId.IsAscii,
        "isidentifier" => MethodId.IsIdentifier,
        "isprintable" => MethodId.IsPrintable,
        "format" => MethodId.Format,
        "format_map" => MethodId.FormatMap,
        "zfill" => MethodId.ZFill,
        "center" => MethodId.Center,
        "ljust" => MethodId.LJust,
        "rjust" => MethodId.RJust,
        "encode" => MethodId.Encode,
        "partition" => MethodId.Partition,
        "rpartition" => MethodId.RPartition,
        "removeprefix" => MethodId.RemovePrefix,
        "removesuffix" => MethodId.RemoveSuffix,
        "expandtabs" => MethodId.ExpandTabs,
        "translate" => MethodId.Translate,
        "maketrans" => MethodId.MakeTrans,
        "items" => MethodId.Items,
        "keys" => MethodId.Keys,
        "values" => MethodId.Values,
        "get" => MethodId.Get,
        "copy" => MethodId.Copy,
        "fromkeys" => MethodId.FromKeys,
        "bit_length" => MethodId.BitLength,
        "bit_count" => MethodId.BitCount,
        "is_integer" => MethodId.IsInteger,
        "real" => MethodId.Real,
        "imag" => MethodId.Imag,
        "numerator" => MethodId.Numerator,
        "denominator" => MethodId.Denominator,
        "conjugate" => MethodId.Conjugate,
        _ => FindForbidden(name),
    };

    private static MethodId FindForbidden(ReadOnlySpan<char> name) => name switch
    {
        "append" => MethodId.Append,
        "clear" => MethodId.Clear,
        "extend" => MethodId.Extend,
        "insert" => MethodId.Insert,
        "pop" => MethodId.Pop,
        "remove" => MethodId.Remove,
        "reverse" => MethodId.Reverse,
        "sort" => MethodId.Sort,
        "popitem" => MethodId.PopItem,
        "setdefault" => MethodId.SetDefault,
        "update" => MethodId.Update,
        _ => MethodId.None,
    };

    /// <summary>Whether a type of Python has the method.</summary>
    public static bool Has(ValueKind kind, MethodId method) => kind switch
    {
        ValueKind.Text => method is >= MethodId.Strip and <= MethodId.MakeTrans,
        ValueKind.Dict => method is (>= MethodId.Items and <= MethodId.FromKeys)
            or MethodId.Clear or MethodId.Pop or (>= MethodId.PopItem and <= MethodId.Update),
        ValueKind.List => method is MethodId.Count or MethodId.Index or MethodId.Copy or (>= MethodId.Append and <= MethodId.Sort),
        ValueKind.Tuple or ValueKind.Range => method is MethodId.Count or MethodId.Index,
        ValueKind.Int or ValueKind.Big or ValueKind.Bool => method is (>= MethodId.Real and <= MethodId.Conjugate)
            or MethodId.BitLength or MethodId.BitCount,
        ValueKind.Float => method is MethodId.IsInteger or MethodId.Real or MethodId.Imag or MethodId.Conjugate,
        _ => false,
    };

    /// <summary>Whether minijinja's pycompat has the method.</summary>
    public static bool HasInRust(ValueKind kind, MethodId method) => kind switch
    {
        ValueKind.Text => method is MethodId.Strip or MethodId.LStrip or MethodId.RStrip or MethodId.Split or MethodId.SplitLines
            or MethodId.StartsWith or MethodId.EndsWith or MethodId.Find or MethodId.RFind or MethodId.Count or MethodId.Replace
            or MethodId.Join or MethodId.Upper or MethodId.Lower or MethodId.Title or MethodId.Capitalize or MethodId.IsDigit
            or MethodId.IsNumeric or MethodId.IsAlpha or MethodId.IsAlnum or MethodId.IsSpace or MethodId.IsUpper
            or MethodId.IsLower or MethodId.IsAscii or MethodId.Format,
        ValueKind.Dict => method is MethodId.Items or MethodId.Keys or MethodId.Values or MethodId.Get,
        ValueKind.List => method is MethodId.Count,
        _ => false,
    };

    /// <summary>Whether the sandbox hides the method of a list or dict.</summary>
    public static bool IsForbidden(MethodId method) => method >= MethodId.Append;
}
