using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>Message contents in a vLLM request.</content>
public sealed partial class ChatShaper
{
    /// <summary>The line that one client puts first and changes on every request.</summary>
    private static ReadOnlySpan<byte> BillingHeader => "x-anthropic-billing-header"u8;

    private bool WriteContent(JsonTree t, int message, int role)
    {
        _result.FinalTextStart = -1;
        var content = t.Find(message, "content"u8);
        var isSystem = t.Is(role, "system"u8);
        var mayBeNull = t.Is(role, "assistant"u8) || t.Is(role, "function"u8) || _origin == ChatOrigin.Responses;
        var joins = _format != ContentFormat.OpenAi || (_rules.JoinsToolContent && t.Is(role, "tool"u8) && !HasToolReference(t, content));
        if (!joins)
        {
            return WriteParts(t, content, isSystem, mayBeNull);
        }

        _out.Byte((byte)'"');
        var start = _out.Length;
        if (!WriteJoinedContent(t, content, isSystem, mayBeNull))
        {
            return false;
        }

        _result.FinalTextStart = start;
        _result.FinalTextEnd = _out.Length;
        _out.Byte((byte)'"');
        return true;
    }

    private bool HasToolReference(JsonTree t, int content)
    {
        if (!t.IsList(content) || !_rules.KeepsPartFields)
        {
            return false;
        }

        for (var part = t.First(content); part >= 0; part = t.After(content, part))
        {
            if (t.Is(t.Find(part, "type"u8), "tool_reference"u8))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The texts of a content, joined by a line break, empty ones left out; to stand between quotes.</summary>
    private bool WriteJoinedContent(JsonTree t, int content, bool isSystem, bool mayBeNull)
    {
        if (t.IsText(content))
        {
            WriteTextInside(t, content, isSystem);
            return true;
        }

        if (!t.IsList(content))
        {
            return content < 0 || (mayBeNull && t.IsNothing(content)) || Refuse("messages: content is no text");
        }

        var start = _out.Length;
        for (var part = t.First(content); part >= 0; part = t.After(content, part))
        {
            var kind = ReadPart(t, part, out var text);
            if (kind == PartKind.Refused)
            {
                return false;
            }

            if (kind == PartKind.Skipped || t.Raw(text).IsEmpty)
            {
                continue;
            }

            var from = _out.Length;
            if (from > start)
            {
                _out.Raw("\\n"u8);
            }

            var begin = _out.Length;
            WriteTextInside(t, text, isSystem);
            if (_out.Length == begin)
            {
                _out.Truncate(from);
            }
        }

        return true;
    }

    /// <summary>A content as a list of parts.</summary>
    private bool WriteParts(JsonTree t, int content, bool isSystem, bool mayBeNull)
    {
        _out.Byte((byte)'[');
        if (t.IsText(content))
        {
            if (!IsWhollyStripped(t, content, isSystem))
            {
                WriteTextPart(t, content, -1, isSystem);
            }
        }
        else if (t.IsList(content))
        {
            if (!WritePartList(t, content, isSystem))
            {
                return false;
            }
        }
        else if (content >= 0 && !(mayBeNull && t.IsNothing(content)))
        {
            return Refuse("messages: content is no text");
        }

        _out.Byte((byte)']');
        return true;
    }

    private bool WritePartList(JsonTree t, int content, bool isSystem)
    {
        var isFirst = true;
        for (var part = t.First(content); part >= 0; part = t.After(content, part))
        {
            var kind = ReadPart(t, part, out var text);
            if (kind == PartKind.Refused)
            {
                return false;
            }

            if (kind == PartKind.Skipped || IsWhollyStripped(t, text, isSystem))
            {
                continue;
            }

            if (!isFirst)
            {
                _out.Byte((byte)',');
            }

            isFirst = false;
            if (kind == PartKind.Text)
            {
                WriteTextPart(t, text, part, isSystem);
                continue;
            }

            _out.Raw("{\"type\":\"tool_reference\",\"name\":"u8);
            _out.Text(t, text);
            _out.Byte((byte)'}');
        }

        return true;
    }

    private void WriteTextPart(JsonTree t, int text, int part, bool isSystem)
    {
        _out.Raw("{\"type\":\"text\",\"text\":\""u8);
        _result.FinalTextStart = _out.Length;
        WriteTextInside(t, text, isSystem);
        _result.FinalTextEnd = _out.Length;
        _out.Byte((byte)'"');
        if (part >= 0 && _rules.KeepsPartFields)
        {
            WriteUnknownFields(t, part);
        }

        _out.Byte((byte)'}');
    }

    private void WriteTextInside(JsonTree t, int text, bool isSystem)
    {
        var skip = isSystem ? StrippedBytes(t, text) : 0;
        if (skip == 0)
        {
            _out.TextInside(t, text);
        }
        else
        {
            _out.Raw(t.Raw(text)[skip..]);
        }
    }

    private bool IsWhollyStripped(JsonTree t, int text, bool isSystem) =>
        isSystem && StrippedBytes(t, text) is var skip && skip > 0 && skip == t.Raw(text).Length;

    /// <summary>Bytes of a system text taken by a billing line at its start, the line break included.</summary>
    private int StrippedBytes(JsonTree t, int text)
    {
        var raw = t.Raw(text);
        if (!_rules.StripsBillingHeader || !raw.StartsWith(BillingHeader))
        {
            return 0;
        }

        for (var i = BillingHeader.Length; i < raw.Length; i++)
        {
            if (raw[i] != '\\')
            {
                continue;
            }

            if (raw[i + 1] == 'n')
            {
                return i + 2;
            }

            if (JsonText.TryHex(raw[i..], out var unit) && unit == '\n')
            {
                return i + 6;
            }

            i++;
        }

        return raw.Length;
    }
}
