using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Epp.Aot.Kubernetes;

/// <summary>Kinds of a watch's lines.</summary>
internal enum WatchKind
{
    Added = 0,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

/// <summary>JSON of the API to objects; malformed text is a value, never an exception.</summary>
internal static class KubeText
{
    /// <summary>Longest message of a server that is kept.</summary>
    private const int MaxMessage = 500;

    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = KubeJson.MaxDepth };

    /// <summary>Reads one object; every malformed or mistyped text is <see cref="KubeFault.Malformed"/>.</summary>
    public static KubeReply<T> Read<T>(ReadOnlySpan<byte> utf8, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(utf8, type) is { } value ? new(value, null) : new(null, new KubeFailure(KubeFault.Malformed, "null instead of an object"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NotSupportedException or ArgumentException)
        {
            return new(null, new KubeFailure(KubeFault.Malformed, Shorten(e.Message)));
        }
    }

    /// <summary>Splits a line <c>{"type":"ADDED","object":{…}}</c> into its kind and the text of its object; false where it is no such line.</summary>
    public static bool TryReadEvent(ReadOnlySpan<byte> line, out WatchKind kind, out ReadOnlySpan<byte> text)
    {
        kind = default;
        text = default;
        var known = false;
        try
        {
            var reader = new Utf8JsonReader(line, ReaderOptions);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isType = reader.ValueTextEquals("type"u8);
                var isObject = reader.ValueTextEquals("object"u8);
                reader.Read();
                if (isType)
                {
                    known = TryKind(ref reader, out kind);
                }

                var from = (int)reader.TokenStartIndex;
                var isMap = reader.TokenType == JsonTokenType.StartObject;
                reader.Skip();
                if (isObject && isMap)
                {
                    text = line[from..(int)reader.BytesConsumed];
                }
            }

            return known && !text.IsEmpty && reader.TokenType == JsonTokenType.EndObject && !reader.Read();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>A failure from a status code.</summary>
    public static KubeFailure Failure(int code, string message, TimeSpan? retryAfter = null) => code switch
    {
        401 => new(KubeFault.Unauthorized, Shorten(message)),
        403 => new(KubeFault.Forbidden, Shorten(message)),
        404 => new(KubeFault.NotFound, Shorten(message)),
        409 => new(KubeFault.Conflict, Shorten(message)),
        410 => new(KubeFault.Gone, Shorten(message)),
        429 => new(KubeFault.TooManyRequests, Shorten(message), retryAfter),
        >= 400 and < 500 => new(KubeFault.Refused, $"{code}: {Shorten(message)}"),
        _ => new(KubeFault.Server, $"{code}: {Shorten(message)}", retryAfter),
    };

    private static bool TryKind(ref Utf8JsonReader reader, out WatchKind kind)
    {
        kind = default;
        if (reader.TokenType != JsonTokenType.String)
        {
            return false;
        }

        if (reader.ValueTextEquals("ADDED"u8))
        {
            kind = WatchKind.Added;
        }
        else if (reader.ValueTextEquals("MODIFIED"u8))
        {
            kind = WatchKind.Modified;
        }
        else if (reader.ValueTextEquals("DELETED"u8))
        {
            kind = WatchKind.Deleted;
        }
        else if (reader.ValueTextEquals("BOOKMARK"u8))
        {
            kind = WatchKind.Bookmark;
        }
        else if (reader.ValueTextEquals("ERROR"u8))
        {
            kind = WatchKind.Error;
        }
        else
        {
            return false;
        }

        return true;
    }

    // One log line: control characters of a hostile server are not repeated.
    private static string Shorten(string message)
    {
        var text = message.Length > MaxMessage ? string.Concat(message.AsSpan(0, MaxMessage), "…") : message;
        return string.Create(text.Length, text, static (to, from) =>
        {
            for (var i = 0; i < to.Length; i++)
            {
                to[i] = char.IsControl(from[i]) ? ' ' : from[i];
            }
        });
    }
}
