using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>Messages and content blocks of an Anthropic request.</content>
public sealed partial class ChatShaper
{
    private bool ConvertMessage(JsonTree t, int message)
    {
        var role = t.Find(message, "role"u8);
        var content = t.Find(message, "content"u8);
        var isSystem = t.Is(role, "system"u8);
        if (!(t.Is(role, "user"u8) || t.Is(role, "assistant"u8) || (_rules.ModernMessages && isSystem)))
        {
            return Refuse("messages: unknown role");
        }

        if (isSystem && HoistsInlineSystem)
        {
            return true;
        }

        if (t.IsText(content))
        {
            BeginItem();
            _converted.Raw("{\"role\":"u8);
            _converted.Text(t, role);
            _converted.Raw(",\"content\":"u8);
            _converted.Text(t, content);
            _converted.Byte((byte)'}');
            return true;
        }

        return t.IsList(content) ? ConvertBlocks(t, role, content) : Refuse("messages: content is no string and no list");
    }

    private bool ConvertBlocks(JsonTree t, int role, int content)
    {
        var isUser = t.Is(role, "user"u8);
        int texts = 0, calls = 0, thoughts = 0;
        for (var block = t.First(content); block >= 0; block = t.After(content, block))
        {
            if (!ConvertToolResults(t, block, isUser) || !CountBlock(t, block, ref texts, ref calls, ref thoughts))
            {
                return false;
            }
        }

        if (texts == 0 && (isUser || (calls == 0 && thoughts == 0 && !_rules.ModernMessages)))
        {
            return true;
        }

        BeginItem();
        _converted.Raw("{\"role\":"u8);
        _converted.Text(t, role);
        if (texts > 0)
        {
            WriteTextBlocks(t, content, texts);
        }

        if (thoughts > 0)
        {
            WriteThoughts(t, content);
        }

        if (calls > 0)
        {
            WriteToolUses(t, content);
        }

        _converted.Byte((byte)'}');
        return true;
    }

    /// <summary>Checks a block and counts what it adds.</summary>
    private bool CountBlock(JsonTree t, int block, ref int texts, ref int calls, ref int thoughts)
    {
        var type = t.Find(block, "type"u8);
        if (t.Is(type, "text"u8))
        {
            var text = t.Find(block, "text"u8);
            texts += t.IsText(text) && !t.Raw(text).IsEmpty ? 1 : 0;
            return t.IsNothing(text) || t.IsText(text) || Refuse("messages: text is no string");
        }

        if (t.Is(type, "tool_use"u8))
        {
            calls++;
            var id = t.Find(block, "id"u8);
            return (t.IsText(id) && !t.Raw(id).IsEmpty) || _result.Refuse(ShapeRefusal.NotReproduced, "messages: a tool_use without id gets the engine's own");
        }

        if (_rules.ModernMessages && t.Is(type, "thinking"u8))
        {
            thoughts += t.IsText(t.Find(block, "thinking"u8)) ? 1 : 0;
            return true;
        }

        if (t.Is(type, "image"u8))
        {
            return _result.Refuse(ShapeRefusal.Media, "messages: a block is no text");
        }

        return t.Is(type, "tool_result"u8) || (_rules.ModernMessages && t.Is(type, "redacted_thinking"u8)) || Refuse("messages: unknown content block");
    }

    /// <summary>One text is a string, several are parts.</summary>
    private void WriteTextBlocks(JsonTree t, int content, int texts)
    {
        _converted.Raw(texts == 1 ? ",\"content\":"u8 : ",\"content\":["u8);
        var written = 0;
        for (var block = t.First(content); block >= 0; block = t.After(content, block))
        {
            var text = t.Find(block, "text"u8);
            if (!t.Is(t.Find(block, "type"u8), "text"u8) || !t.IsText(text) || t.Raw(text).IsEmpty)
            {
                continue;
            }

            if (texts == 1)
            {
                _converted.Text(t, text);
                return;
            }

            _converted.Raw(written++ == 0 ? "{\"type\":\"text\",\"text\":"u8 : ",{\"type\":\"text\",\"text\":"u8);
            _converted.Text(t, text);
            _converted.Byte((byte)'}');
        }

        _converted.Byte((byte)']');
    }

    private void WriteThoughts(JsonTree t, int content)
    {
        _converted.Raw(",\"reasoning\":\""u8);
        for (var block = t.First(content); block >= 0; block = t.After(content, block))
        {
            var thought = t.Find(block, "thinking"u8);
            if (t.Is(t.Find(block, "type"u8), "thinking"u8) && t.IsText(thought))
            {
                _converted.TextInside(t, thought);
            }
        }

        _converted.Byte((byte)'"');
    }

    /// <summary>Calls. vLLM 0.11 reads them once too often and hands the template an empty list.</summary>
    private void WriteToolUses(JsonTree t, int content)
    {
        _converted.Raw(",\"tool_calls\":["u8);
        var written = 0;
        for (var block = t.First(content); block >= 0 && _rules.ModernMessages; block = t.After(content, block))
        {
            if (!t.Is(t.Find(block, "type"u8), "tool_use"u8))
            {
                continue;
            }

            _converted.Raw(written++ == 0 ? "{\"id\":"u8 : ",{\"id\":"u8);
            _converted.Text(t, t.Find(block, "id"u8));
            _converted.Raw(",\"type\":\"function\",\"function\":{\"name\":"u8);
            var name = t.Find(block, "name"u8);
            WriteTextOrEmpty(t, t.IsText(name) ? name : -1);
            _converted.Raw(",\"arguments\":"u8);
            var input = t.Find(block, "input"u8);
            if (t.IsMap(input))
            {
                _converted.Value(t, input);
            }
            else
            {
                _converted.Raw("{}"u8);
            }

            _converted.Raw("}}"u8);
        }

        _converted.Byte((byte)']');
    }

    /// <summary>A result in a user's message becomes a message of its own before it.</summary>
    private bool ConvertToolResults(JsonTree t, int block, bool isUser)
    {
        if (!t.Is(t.Find(block, "type"u8), "tool_result"u8))
        {
            return t.IsMap(block) || Refuse("messages: a block is no object");
        }

        if (!isUser)
        {
            return _result.Refuse(ShapeRefusal.NotReproduced, "messages: a tool_result of the assistant");
        }

        BeginItem();
        _converted.Raw("{\"role\":\"tool\",\"tool_call_id\":"u8);
        var id = t.Find(block, _rules.ModernMessages ? "tool_use_id"u8 : "id"u8);
        WriteTextOrEmpty(t, t.IsText(id) ? id : -1);
        _converted.Raw(",\"content\":"u8);
        if (!WriteResultContent(t, t.Find(block, "content"u8)))
        {
            return false;
        }

        _converted.Byte((byte)'}');
        return true;
    }

    private bool WriteResultContent(JsonTree t, int content)
    {
        if (!t.IsList(content))
        {
            WriteTextOrEmpty(t, t.IsText(content) ? content : -1);
            return t.IsNothing(content) || t.IsText(content) || Refuse("messages: a tool result is no text");
        }

        if (!_rules.ModernMessages)
        {
            // str() of the list, unless it is empty.
            _part.Reset();
            if (t.Count(content) > 0)
            {
                PythonText.Repr(t, content, _part);
            }

            _converted.Quote(_part.Written);
            return true;
        }

        _converted.Byte((byte)'"');
        var isFirst = true;
        for (var item = t.First(content); item >= 0; item = t.After(content, item))
        {
            var text = t.Find(item, "text"u8);
            if (!t.Is(t.Find(item, "type"u8), "text"u8))
            {
                return _result.Refuse(ShapeRefusal.Media, "messages: a tool result is no text");
            }

            _converted.Raw(isFirst ? default : "\\n"u8);
            isFirst = false;
            if (t.IsText(text))
            {
                _converted.TextInside(t, text);
            }
        }

        _converted.Byte((byte)'"');
        return true;
    }
}
