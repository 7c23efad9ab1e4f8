using System.Globalization;

namespace Epp.Native.Requests;

/// <summary>
/// Error texts of Go's <c>encoding/json</c>, which clients of the references see and tests compare letter by letter (contract §2.6).
/// Only called on errors, so it may allocate.
/// </summary>
internal static class GoJson
{
    public const string EndOfInput = "unexpected end of JSON input";
    public const string TooDeep = "exceeded max depth";

    /// <summary><c>invalid character 'x' after array element</c> and its kin.</summary>
    public static string InvalidCharacter(byte c, string context) => $"invalid character {Quote(c)} {context}";

    /// <summary><c>json: cannot unmarshal number into Go value of type T</c>.</summary>
    public static string CannotUnmarshal(string what, string type) => $"json: cannot unmarshal {what} into Go value of type {type}";

    /// <summary><c>json: cannot unmarshal number into Go struct field S.f of type T</c>.</summary>
    public static string CannotUnmarshalField(JsonKind kind, string field, string type) =>
        $"json: cannot unmarshal {KindName(kind)} into Go struct field {field} of type {type}";

    /// <summary>Go's name of a JSON type.</summary>
    public static string KindName(JsonKind kind) => kind switch
    {
        JsonKind.Text => "string",
        JsonKind.Number => "number",
        JsonKind.Bool => "bool",
        JsonKind.List => "array",
        JsonKind.Map => "object",
        _ => "null",
    };

    /// <summary>Go prints the byte as the code point of the same number, escaped where that is not printable.</summary>
    private static string Quote(byte c) => c switch
    {
        (byte)'\'' => @"'\''",
        (byte)'"' => "'\"'",
        (byte)'\\' => @"'\\'",
        7 => @"'\a'",
        8 => @"'\b'",
        9 => @"'\t'",
        10 => @"'\n'",
        11 => @"'\v'",
        12 => @"'\f'",
        13 => @"'\r'",
        < 0x20 or 0x7F => string.Create(CultureInfo.InvariantCulture, $"'\\x{c:x2}'"),
        >= 0x80 and <= 0xA0 or 0xAD => string.Create(CultureInfo.InvariantCulture, $"'\\u{(int)c:x4}'"),
        _ => $"'{(char)c}'",
    };
}
