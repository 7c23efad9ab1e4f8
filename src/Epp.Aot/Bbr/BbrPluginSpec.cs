using System.Buffers;
using System.Text;
using System.Text.Json;
using Epp.Native.Bbr;

namespace Epp.Aot.Bbr;

/// <summary>Reads one value of the flag <c>--plugin type:name[:json]</c> (contract §9.3). Nothing throws; every error says what to write.</summary>
internal static class BbrPluginSpec
{
    /// <summary>Longest value of the flag.</summary>
    public const int MaxChars = 65_536;

    private const int MaxHeaderChars = 256;

    private const string FieldKey = "fieldName";
    private const string HeaderKey = "headerName";

    // Characters of a field name (RFC 9110 §5.6.2).
    private static readonly SearchValues<char> TokenChars =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>The plugin; null with the reason where the text is none.</summary>
    public static BbrPlugin? Parse(string text, out string error)
    {
        error = "";
        var type = Cut(ref text);
        var name = Cut(ref text);
        if (type is null || name is null || text.Length > MaxChars)
        {
            error = type is null || name is null ? "expected <type>:<name>[:<json>]" : $"longer than {MaxChars} characters";
            return null;
        }

        if (type.Length == 0 || name.Length == 0)
        {
            error = $"the {(type.Length == 0 ? "type" : "name")} is empty: expected <type>:<name>[:<json>]";
            return null;
        }

        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (text.Trim() is { Length: > 0 } json && !TryReadParameters(json, type == BbrPlugin.BodyFieldToHeader, parameters, out error))
        {
            return null;
        }

        switch (type)
        {
            case BbrPlugin.BaseModelToHeader:
                return BbrPlugin.BaseModel(name);
            case BbrPlugin.BodyFieldToHeader:
                error = Check(parameters);
                return error.Length == 0 ? new BbrPlugin(BbrPluginKind.BodyFieldToHeader, name, parameters[FieldKey], parameters[HeaderKey]) : null;
            default:
                error = $"unknown plugin type '{type}': expected {BbrPlugin.BodyFieldToHeader} or {BbrPlugin.BaseModelToHeader}";
                return null;
        }
    }

    // Up to the next colon, which goes; the rest of the text where there is none. Null = there was nothing left to cut.
    private static string? Cut(ref string text)
    {
        if (text.Length == 0)
        {
            return null;
        }

        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var part = colon < 0 ? text : text[..colon];
        text = colon < 0 ? "" : text[(colon + 1)..];
        return part.Trim();
    }

    private static string Check(Dictionary<string, string> parameters)
    {
        var field = parameters.GetValueOrDefault(FieldKey, "");
        var header = parameters.GetValueOrDefault(HeaderKey, "");
        if (field.Length == 0 || header.Length == 0)
        {
            return $"{(field.Length == 0 ? FieldKey : HeaderKey)} is required: write {BbrPlugin.BodyFieldToHeader}:<name>:{{\"fieldName\":\"model\",\"headerName\":\"X-Gateway-Model-Name\"}}";
        }

        if (Encoding.UTF8.GetByteCount(field) > BodyFieldScanner.MaxNameBytes)
        {
            return $"fieldName is longer than {BodyFieldScanner.MaxNameBytes} bytes";
        }

        // A pseudo header such as :path is a token behind its colon.
        var token = header.AsSpan(header[0] == ':' ? 1 : 0);
        return token.IsEmpty || header.Length > MaxHeaderChars || token.ContainsAnyExcept(TokenChars)
            ? $"headerName '{Shorten(header)}' is no name of a header: letters, digits and !#$%&'*+-.^_`|~, at most {MaxHeaderChars}"
            : "";
    }

    private static bool TryReadParameters(string json, bool known, Dictionary<string, string> parameters, out string error)
    {
        error = "";
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
            reader.Read();
            if (!known)
            {
                // The other plugin has no parameters; what is given must be JSON all the same.
                while (reader.Read())
                {
                }

                return true;
            }

            if (reader.TokenType != JsonTokenType.StartObject)
            {
                error = "the parameters are no JSON object";
                return false;
            }

            error = ReadObject(ref reader, parameters);
            return error.Length == 0;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            error = "the parameters are no valid JSON";
            return false;
        }
    }

    private static string ReadObject(ref Utf8JsonReader reader, Dictionary<string, string> parameters)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (!key.Equals(FieldKey, StringComparison.OrdinalIgnoreCase) && !key.Equals(HeaderKey, StringComparison.OrdinalIgnoreCase))
            {
                return $"unknown parameter '{Shorten(key)}': expected {FieldKey} and {HeaderKey}";
            }

            if (reader.TokenType != JsonTokenType.String)
            {
                return $"{key} is no text";
            }

            parameters[key] = reader.GetString()!;
        }

        // Anything behind the object throws here.
        reader.Read();
        return "";
    }

    private static string Shorten(string text) => text.Length > 60 ? string.Concat(text.AsSpan(0, 60), "…") : text;
}
