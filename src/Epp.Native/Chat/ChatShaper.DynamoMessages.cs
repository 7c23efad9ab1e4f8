using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>The conversation as Dynamo's frontend hands it to a template.</content>
public sealed partial class ChatShaper
{
    private bool WriteDynamoMessages(JsonTree t, int messages)
    {
        _out.Byte((byte)'[');
        for (var message = t.First(messages); message >= 0; message = t.After(messages, message))
        {
            _out.Raw(message == t.First(messages) ? default : ","u8);
            if (!WriteDynamoMessage(t, message))
            {
                return false;
            }
        }

        _out.Byte((byte)']');
        return true;
    }

    private bool WriteDynamoMessage(JsonTree t, int message)
    {
        var role = t.Find(message, "role"u8);
        var isAssistant = t.Is(role, "assistant"u8);
        var reasoning = isAssistant ? t.Find(message, "reasoning_content"u8) : -1;
        var injects = !_facts.MentionsReasoning && HasThoughts(t, reasoning);
        _out.Raw("{\"role\":"u8);
        _out.Text(t, role);
        WriteDynamoContent(t, t.Find(message, "content"u8), injects ? reasoning : -1);
        if (isAssistant)
        {
            return WriteAssistantFields(t, message, injects ? -1 : reasoning, injects);
        }

        if (t.Is(role, "tool"u8))
        {
            _out.Raw(",\"tool_call_id\":"u8);
            _out.Text(t, t.Find(message, "tool_call_id"u8));
        }
        else
        {
            WriteDynamoText(t, message, "name"u8, ",\"name\":"u8);
        }

        _out.Byte((byte)'}');
        return true;
    }

    /// <summary>Fields in the order of declaration; taking reasoning out swaps the last field into its place.</summary>
    private bool WriteAssistantFields(JsonTree t, int message, int reasoning, bool injected)
    {
        if (!t.IsNothing(reasoning))
        {
            _out.Raw(",\"reasoning_content\":"u8);
            _out.Value(t, reasoning);
        }

        var calls = t.Find(message, "tool_calls"u8);
        var hasCalls = !t.IsNothing(calls);
        if (injected && hasCalls && !WriteDynamoCalls(t, calls))
        {
            return false;
        }

        WriteDynamoText(t, message, "refusal"u8, ",\"refusal\":"u8);
        WriteDynamoText(t, message, "name"u8, ",\"name\":"u8);
        if (!injected && hasCalls && !WriteDynamoCalls(t, calls))
        {
            return false;
        }

        _out.Byte((byte)'}');
        return true;
    }

    private void WriteDynamoText(JsonTree t, int message, ReadOnlySpan<byte> name, ReadOnlySpan<byte> prefix)
    {
        var node = t.Find(message, name);
        if (t.IsText(node))
        {
            _out.Raw(prefix);
            _out.Text(t, node);
        }
    }

    private static bool HasThoughts(JsonTree t, int reasoning)
    {
        if (t.IsText(reasoning))
        {
            return !t.Raw(reasoning).IsEmpty;
        }

        for (var segment = t.IsList(reasoning) ? t.First(reasoning) : -1; segment >= 0; segment = t.After(reasoning, segment))
        {
            if (t.IsText(segment) && !t.Raw(segment).IsEmpty)
            {
                return true;
            }
        }

        return false;
    }

    private void WriteThoughtTags(JsonTree t, int reasoning)
    {
        if (t.IsText(reasoning))
        {
            _out.Raw("<think>"u8);
            _out.TextInside(t, reasoning);
            _out.Raw("</think>"u8);
            return;
        }

        for (var segment = t.IsList(reasoning) ? t.First(reasoning) : -1; segment >= 0; segment = t.After(reasoning, segment))
        {
            if (t.IsText(segment) && !t.Raw(segment).IsEmpty)
            {
                WriteThoughtTags(t, segment);
            }
        }
    }

    /// <summary>A content, thoughts put before it; no key at all where it is null.</summary>
    private void WriteDynamoContent(JsonTree t, int content, int thoughts)
    {
        _result.FinalTextStart = -1;
        if (t.IsNothing(content))
        {
            if (thoughts >= 0)
            {
                WriteDynamoString(t, content, thoughts, placeholder: null);
            }

            return;
        }

        var needsLists = _profile.Template.NeedsContentLists;
        var placeholder = _profile.Template.ImagePlaceholder;
        if (t.IsText(content) ? !needsLists : !needsLists && t.Count(content) > 0 && (IsTextOnly(t, content) || placeholder is not null))
        {
            WriteDynamoString(t, content, thoughts, placeholder);
            return;
        }

        _out.Raw(",\"content\":["u8);
        var isFirst = true;
        if (thoughts >= 0)
        {
            _out.Raw("{\"type\":\"text\",\"text\":\""u8);
            WriteThoughtTags(t, thoughts);
            _out.Raw("\"}"u8);
            isFirst = false;
        }

        if (t.IsText(content))
        {
            WriteDynamoPart(t, content, isFirst);
        }

        for (var part = t.IsList(content) ? t.First(content) : -1; part >= 0; part = t.After(content, part))
        {
            WriteDynamoPart(t, part, isFirst);
            isFirst = false;
        }

        _out.Byte((byte)']');
    }

    private static bool IsTextOnly(JsonTree t, int content)
    {
        for (var part = t.First(content); part >= 0; part = t.After(content, part))
        {
            if (!t.Is(t.Find(part, "type"u8), "text"u8))
            {
                return false;
            }
        }

        return true;
    }

    private void WriteDynamoString(JsonTree t, int content, int thoughts, string? placeholder)
    {
        _out.Raw(",\"content\":\""u8);
        var start = _out.Length;
        if (thoughts >= 0)
        {
            WriteThoughtTags(t, thoughts);
        }

        if (t.IsText(content))
        {
            _out.TextInside(t, content);
        }
        else if (t.IsList(content))
        {
            WriteFlattened(t, content, IsTextOnly(t, content), placeholder);
        }

        _result.FinalTextStart = start;
        _result.FinalTextEnd = _out.Length;
        _out.Byte((byte)'"');
    }

    /// <summary>Texts alone are joined by line breaks; texts with images follow one another, an image as its placeholder.</summary>
    private void WriteFlattened(JsonTree t, int content, bool isTextOnly, string? placeholder)
    {
        var image = 1;
        for (var part = t.First(content); part >= 0; part = t.After(content, part))
        {
            if (isTextOnly && part != t.First(content))
            {
                _out.Raw("\\n"u8);
            }

            var text = t.Find(part, "text"u8);
            if (t.Is(t.Find(part, "type"u8), "text"u8))
            {
                _out.TextInside(t, text);
            }
            else
            {
                WritePlaceholder(placeholder, image++);
            }
        }
    }

    private void WritePlaceholder(string? placeholder, int image)
    {
        Span<byte> number = stackalloc byte[12];
        System.Buffers.Text.Utf8Formatter.TryFormat(image, number, out var digits);
        for (var i = 0; placeholder is not null && i < placeholder.Length; i++)
        {
            if (placeholder.AsSpan(i).StartsWith("{n}"))
            {
                _out.Raw(number[..digits]);
                i += 2;
            }
            else
            {
                _out.Byte((byte)placeholder[i]);
            }
        }
    }

    private void WriteDynamoPart(JsonTree t, int part, bool isFirst)
    {
        _out.Raw(isFirst ? default : ","u8);
        var type = t.Find(part, "type"u8);
        if (t.IsText(part) || t.Is(type, "text"u8))
        {
            _out.Raw("{\"type\":\"text\",\"text\":\""u8);
            _result.FinalTextStart = _out.Length;
            _out.TextInside(t, t.IsText(part) ? part : t.Find(part, "text"u8));
            _result.FinalTextEnd = _out.Length;
            _out.Raw("\"}"u8);
            return;
        }

        var media = t.Is(type, "image_url"u8) ? "{\"type\":\"image\"}"u8
            : t.Is(type, "video_url"u8) ? "{\"type\":\"video\"}"u8
            : t.Is(type, "audio_url"u8) ? "{\"type\":\"audio\"}"u8
            : default;
        if (media.IsEmpty)
        {
            _out.Value(t, part);
        }
        else
        {
            _out.Raw(media);
        }
    }
}
