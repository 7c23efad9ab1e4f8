using System.Text;
using System.Text.Json;

namespace Epp.Native.Tokens.Loading;

/// <summary>A JSON value and the path that leads to it, for errors that name the place.</summary>
internal readonly struct JsonPlace(JsonElement element, string path)
{
    public JsonElement Element { get; } = element;

    public string Path { get; } = path;

    public bool IsNull => Element.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    public string Type => Required("type").Text();

    public TokenizerFormatException Error(string problem) => new(Path, problem);

    /// <summary>A member; undefined where absent.</summary>
    public JsonPlace this[string name] =>
        Element.ValueKind != JsonValueKind.Object ? throw Error("expected an object")
        : new JsonPlace(Element.TryGetProperty(name, out var value) ? value : default, $"{Path}.{name}");

    public JsonPlace Required(string name) => this[name] is { IsNull: false } place ? place : throw new TokenizerFormatException($"{Path}.{name}", "missing");

    public JsonPlace[] Items()
    {
        if (Element.ValueKind != JsonValueKind.Array)
        {
            throw Error("expected a list");
        }

        var items = new JsonPlace[Element.GetArrayLength()];
        var i = 0;
        foreach (var item in Element.EnumerateArray())
        {
            items[i] = new JsonPlace(item, $"{Path}[{i}]");
            i++;
        }

        return items;
    }

    public string Text()
    {
        if (Element.ValueKind != JsonValueKind.String)
        {
            throw Error("expected a string");
        }

        try
        {
            return Element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Error("half of a surrogate pair");
        }
    }

    public byte[] Bytes() => Encoding.UTF8.GetBytes(Text());

    public string TextOr(string otherwise) => IsNull ? otherwise : Text();

    public bool BoolOr(bool otherwise) => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Null or JsonValueKind.Undefined => otherwise,
        _ => throw Error("expected true or false"),
    };

    public bool Bool() => IsNull ? throw Error("missing") : BoolOr(false);

    public uint Id() => Element.ValueKind == JsonValueKind.Number && Element.TryGetUInt32(out var id) && id <= int.MaxValue ? id : throw Error("expected an id");

    public int Int() => (int)Id();
}
