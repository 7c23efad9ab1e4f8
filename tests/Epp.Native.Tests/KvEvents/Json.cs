using System.Globalization;
using System.Text.Json;

namespace Epp.Native.Tests.KvEvents;

/// <summary>Readings of recorded JSON.</summary>
internal static class Json
{
    public static IEnumerable<JsonElement> Rows(string file) => File.ReadLines(file).Where(static line => line.Length > 0).Select(static line => JsonDocument.Parse(line).RootElement);

    /// <summary>The member, or an undefined element where it is missing or null.</summary>
    public static JsonElement At(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : default;

    public static bool IsSet(this JsonElement element) => element.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    public static string Text(this JsonElement element) => element.IsSet() ? element.GetString()! : "";

    /// <summary>Bits of an integer of any sign; of bytes the last 8, big-endian.</summary>
    public static ulong Hash(this JsonElement element)
    {
        var hex = element.ValueKind == JsonValueKind.Object ? (element.At("hex").IsSet() ? element.At("hex") : element.At("$hex")).Text() : null;
        if (hex is not null)
        {
            return ulong.Parse(hex.Length > 16 ? hex[^16..] : hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }

        return (ulong)Int128.Parse(element.GetRawText(), CultureInfo.InvariantCulture);
    }

    public static byte[] Hex(this JsonElement element) => Convert.FromHexString(element.Text());
}
