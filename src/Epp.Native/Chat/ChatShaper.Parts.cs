using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>Content parts in a vLLM request.</content>
public sealed partial class ChatShaper
{
    private enum PartKind : byte
    {
        Refused,
        Skipped,
        Text,
        ToolReference,
    }

    /// <summary>Fields of content parts that vLLM knows; others pass through to lists of parts.</summary>
    private static readonly byte[][] KnownPartFields =
    [
        "type"u8.ToArray(),
        "text"u8.ToArray(),
        "image_url"u8.ToArray(),
        "input_audio"u8.ToArray(),
        "file"u8.ToArray(),
        "refusal"u8.ToArray(),
        "audio_url"u8.ToArray(),
        "video_url"u8.ToArray(),
        "image_pil"u8.ToArray(),
        "image_embeds"u8.ToArray(),
        "audio_embeds"u8.ToArray(),
        "video_embeds"u8.ToArray(),
        "prompt_embeds"u8.ToArray(),
        "data"u8.ToArray(),
        "uuid"u8.ToArray(),
        "thinking"u8.ToArray(),
        "closed"u8.ToArray(),
        "name"u8.ToArray(),
    ];

    private void WriteUnknownFields(JsonTree t, int part)
    {
        for (var key = t.FirstKey(part); key >= 0; key = t.KeyAfter(part, key))
        {
            var isKnown = false;
            foreach (var name in KnownPartFields)
            {
                isKnown |= t.Is(key, name);
            }

            if (!isKnown)
            {
                _out.Byte((byte)',');
                _out.Text(t, key);
                _out.Byte((byte)':');
                _out.Value(t, t.Value(key));
            }
        }
    }

    private PartKind ReadPart(JsonTree t, int part, out int text)
    {
        text = -1;
        var type = t.Find(part, "type"u8);
        if (!t.IsMap(part) || !t.IsText(type))
        {
            Refuse("messages: a content part has no type");
            return PartKind.Refused;
        }

        if (t.Is(type, "text"u8) || (_origin == ChatOrigin.Responses && IsResponsesText(t, type)))
        {
            text = t.Find(part, "text"u8);
        }
        else if (t.Is(type, "refusal"u8))
        {
            text = t.Find(part, "refusal"u8);
        }
        else if (t.Is(type, "thinking"u8))
        {
            text = t.Find(part, "thinking"u8);
        }
        else if (_rules.KeepsPartFields && t.Is(type, "tool_reference"u8))
        {
            text = t.Find(part, "name"u8);
            return t.IsText(text) ? PartKind.ToolReference : RefusePart(t, type);
        }

        // A null text is logged and left out, a missing one refused.
        return t.IsText(text) ? PartKind.Text
            : text >= 0 && t.Kind(text) == JsonKind.Null && !t.Is(type, "thinking"u8) ? PartKind.Skipped
            : RefusePart(t, type);
    }

    private bool IsResponsesText(JsonTree t, int type) =>
        t.Is(type, "input_text"u8) || (_rules.ModernResponses && t.Is(type, "output_text"u8));

    private PartKind RefusePart(JsonTree t, int type)
    {
        var isMedia = t.Is(type, "image_url"u8) || t.Is(type, "input_image"u8) || t.Is(type, "image"u8) || t.Is(type, "input_audio"u8)
            || t.Is(type, "audio_url"u8) || t.Is(type, "video_url"u8) || t.Is(type, "file"u8) || t.Is(type, "input_file"u8);
        _result.Refuse(
            isMedia ? ShapeRefusal.Media : ShapeRefusal.InvalidRequest,
            isMedia ? "messages: a part is no text" : "messages: unknown content part");
        return PartKind.Refused;
    }
}
