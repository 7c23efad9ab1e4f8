using System.Globalization;
using Epp.Lab.Wire;

namespace Epp.Lab.Gateway;

/// <summary>
/// The scores that an EPP with --emit-endpoint-scores puts into the dynamic metadata:
/// <c>{"envoy.lb": {"x-gateway-destination-endpoint-scores": {"10.0.0.1:8000": 0.5}}}</c>.
/// </summary>
internal static class EndpointScores
{
    const string Namespace = "envoy.lb", Key = "x-gateway-destination-endpoint-scores";

    /// <summary>Response header of the gateway: <c>endpoint=score</c>, comma-separated.</summary>
    public const string Header = "x-lab-scores";

    public static void Decode(ReadOnlySpan<byte> metadata, List<(string Endpoint, double Score)> scores)
    {
        var entries = new ProtoReader(Struct(Struct(metadata, Namespace), Key));
        while (entries.Next())
        {
            Split(entries.Payload, out var endpoint, out var value);
            var number = new ProtoReader(value);
            while (number.Next())
            {
                if (number.Field == 2)
                {
                    scores.Add((endpoint, BitConverter.UInt64BitsToDouble(number.Value)));
                }
            }
        }
    }

    public static string Format(List<(string Endpoint, double Score)> scores) =>
        string.Join(',', scores.Select(static s => string.Create(CultureInfo.InvariantCulture, $"{s.Endpoint}={s.Score:R}")));

    public static Dictionary<string, double> Parse(string header) =>
        header.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(static s => s.Split('=')).ToDictionary(static s => s[0], static s => double.Parse(s[1], CultureInfo.InvariantCulture));

    /// <summary>The value of <paramref name="name"/> as a Struct (Value.struct_value = 5); empty where there is none.</summary>
    static ReadOnlySpan<byte> Struct(ReadOnlySpan<byte> fields, string name)
    {
        var entries = new ProtoReader(fields);
        while (entries.Next())
        {
            Split(entries.Payload, out var key, out var value);
            var inner = new ProtoReader(key == name ? value : default);
            while (inner.Next())
            {
                if (inner.Field == 5)
                {
                    return inner.Payload;
                }
            }
        }
        return default;
    }

    // Struct.fields = 1 { key = 1, value = 2 }
    static void Split(ReadOnlySpan<byte> entry, out string key, out ReadOnlySpan<byte> value)
    {
        key = "";
        value = default;
        var reader = new ProtoReader(entry);
        while (reader.Next())
        {
            if (reader.Field == 1)
            {
                key = reader.Text;
            }
            else if (reader.Field == 2)
            {
                value = reader.Payload;
            }
        }
    }
}
