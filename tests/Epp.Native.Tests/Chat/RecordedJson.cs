using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Epp.Native.Chat;

namespace Epp.Native.Tests.Chat;

/// <summary>Comparing with recordings: JSON values in order, and the recordings' NaN, which JSON does not have.</summary>
internal static partial class RecordedJson
{
    [GeneratedRegex("(?<!\\\\)\"(: ?)(-?)(NaN|Infinity)\\b")]
    private static partial Regex Specials { get; }

    public static JsonDocument Parse(string text) =>
        JsonDocument.Parse(Specials.Replace(text, "\"$1\"special $2$3\""), new JsonDocumentOptions { MaxDepth = 200 });

    public static JsonDocument ReadFile(string path) => Parse(File.ReadAllText(path));

    /// <summary>The context of a shaped request.</summary>
    public static JsonElement Context(ShapedRequest shaped) => Parse(Encoding.UTF8.GetString(shaped.Context)).RootElement;

    /// <summary>Null where equal, else the first difference. Keys in order; numbers by value, integers by digits.</summary>
    public static string? Difference(JsonElement expected, JsonElement actual, string path = "$")
    {
        if (expected.ValueKind != actual.ValueKind)
        {
            return $"{path}: expected {Short(expected)}, got {Short(actual)}";
        }

        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                var left = expected.EnumerateObject().ToList();
                var right = actual.EnumerateObject().ToList();
                if (!left.Select(p => p.Name).SequenceEqual(right.Select(p => p.Name)))
                {
                    return $"{path}: expected keys [{string.Join(", ", left.Select(p => p.Name))}], got [{string.Join(", ", right.Select(p => p.Name))}]";
                }

                return left.Zip(right).Select(p => Difference(p.First.Value, p.Second.Value, $"{path}.{p.First.Name}")).FirstOrDefault(d => d is not null);
            case JsonValueKind.Array:
                if (expected.GetArrayLength() != actual.GetArrayLength())
                {
                    return $"{path}: expected {Short(expected)}, got {Short(actual)}";
                }

                return expected.EnumerateArray().Zip(actual.EnumerateArray())
                    .Select((p, i) => Difference(p.First, p.Second, $"{path}[{i}]")).FirstOrDefault(d => d is not null);
            case JsonValueKind.Number:
                return SameNumber(expected.GetRawText(), actual.GetRawText()) ? null : $"{path}: expected {expected}, got {actual}";
            case JsonValueKind.String:
                return expected.GetString() == actual.GetString() ? null : $"{path}: expected {Short(expected)}, got {Short(actual)}";
            default:
                return null;
        }
    }

    public static bool SameNumber(string left, string right) =>
        left == right
        || (left.AsSpan().IndexOfAny(".eE") >= 0 == right.AsSpan().IndexOfAny(".eE") >= 0
            && double.Parse(left, CultureInfo.InvariantCulture).Equals(double.Parse(right, CultureInfo.InvariantCulture))
            && left.AsSpan().IndexOfAny(".eE") >= 0);

    public static string Short(JsonElement value)
    {
        var text = value.ValueKind == JsonValueKind.Undefined ? "nothing" : value.GetRawText();
        return text.Length > 300 ? text[..300] + "…" : text;
    }
}
