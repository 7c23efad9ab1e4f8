using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>The conversation of a vLLM chat request.</content>
public sealed partial class ChatShaper
{
    private bool _convertsDeveloper;

    private bool WriteMessages(JsonTree t, int messages)
    {
        _convertsDeveloper = _rules.ConvertsDeveloper && !_facts.MentionsDeveloper && HasDeveloper(t, messages);
        var consolidates = _convertsDeveloper && !HasOnlyLeadingSystem(t, messages);
        _out.Byte((byte)'[');
        var isFirst = true;
        if (consolidates)
        {
            if (!WriteConsolidatedSystem(t, messages))
            {
                return false;
            }

            isFirst = false;
        }

        for (var message = t.First(messages); message >= 0; message = t.After(messages, message))
        {
            if (!t.IsMap(message))
            {
                return Refuse("messages: an element is no object");
            }

            if (consolidates && IsSystem(t, message))
            {
                continue;
            }

            if (!isFirst)
            {
                _out.Byte((byte)',');
            }

            isFirst = false;
            if (!WriteMessage(t, message))
            {
                return false;
            }
        }

        _out.Byte((byte)']');
        return true;
    }

    private static bool HasDeveloper(JsonTree t, int messages)
    {
        for (var message = t.First(messages); message >= 0; message = t.After(messages, message))
        {
            if (t.Is(t.Find(message, "role"u8), "developer"u8))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsSystem(JsonTree t, int message)
    {
        var role = t.Find(message, "role"u8);
        return t.Is(role, "system"u8) || t.Is(role, "developer"u8);
    }

    /// <summary>True where the one system or developer message comes first, so that nothing moves.</summary>
    private static bool HasOnlyLeadingSystem(JsonTree t, int messages)
    {
        var count = 0;
        for (var message = t.First(messages); message >= 0; message = t.After(messages, message))
        {
            count += IsSystem(t, message) ? 1 : 0;
        }

        return count == 1 && IsSystem(t, t.First(messages));
    }

    /// <summary>All system and developer messages as one string at the front, whatever the content format.</summary>
    private bool WriteConsolidatedSystem(JsonTree t, int messages)
    {
        _out.Raw("{\"role\":\"system\",\"content\":\""u8);
        var start = _out.Length;
        for (var message = t.First(messages); message >= 0; message = t.After(messages, message))
        {
            if (!IsSystem(t, message))
            {
                continue;
            }

            var from = _out.Length;
            if (from > start)
            {
                _out.Raw("\\n\\n"u8);
            }

            var text = _out.Length;
            if (!WriteJoinedContent(t, t.Find(message, "content"u8), t.Is(t.Find(message, "role"u8), "system"u8), mayBeNull: false))
            {
                return false;
            }

            if (_out.Length == text)
            {
                _out.Truncate(from);
            }
        }

        _result.FinalTextStart = start;
        _result.FinalTextEnd = _out.Length;
        _out.Raw("\"}"u8);
        return true;
    }

    private bool WriteMessage(JsonTree t, int message)
    {
        var role = t.Find(message, "role"u8);
        if (!t.IsText(role))
        {
            return Refuse("messages: role missing or no string");
        }

        var isDeveloper = t.Is(role, "developer"u8);
        _out.Raw("{\"role\":"u8);
        if (isDeveloper && _convertsDeveloper)
        {
            _out.Raw("\"system\""u8);
        }
        else
        {
            _out.Text(t, role);
        }

        _out.Raw(",\"content\":"u8);
        if (!WriteContent(t, message, role) || !WriteRoleFields(t, message, role) || !WriteName(t, message, role))
        {
            return false;
        }

        if (isDeveloper && _rules.ConvertsDeveloper && !_convertsDeveloper)
        {
            _out.Raw(",\"tools\":"u8);
            WriteDeveloperTools(t, t.Find(message, "tools"u8));
        }

        _out.Byte((byte)'}');
        return true;
    }

    private bool WriteRoleFields(JsonTree t, int message, int role)
    {
        if (t.Is(role, "assistant"u8))
        {
            return WriteToolCalls(t, message) && WriteReasoning(t, message);
        }

        if (t.Is(role, "tool"u8))
        {
            var id = t.Find(message, "tool_call_id"u8);
            if (id >= 0 && !t.IsText(id) && t.Kind(id) != JsonKind.Null)
            {
                return Refuse("messages: tool_call_id is no string");
            }

            if (id >= 0)
            {
                _out.Raw(",\"tool_call_id\":"u8);
                _out.Value(t, id);
            }
        }

        return true;
    }

    private bool WriteName(JsonTree t, int message, int role)
    {
        var name = t.Find(message, "name"u8);
        if (name < 0)
        {
            return true;
        }

        if (!t.IsText(name))
        {
            return t.Is(role, "tool"u8) || Refuse("messages: name is no string");
        }

        _out.Raw(",\"name\":"u8);
        _out.Text(t, name);
        return true;
    }

    /// <summary><c>reasoning</c>, which beats the older <c>reasoning_content</c>; templates get both names.</summary>
    private bool WriteReasoning(JsonTree t, int message)
    {
        var reasoning = t.Find(message, "reasoning"u8);
        reasoning = t.IsNothing(reasoning) ? t.Find(message, "reasoning_content"u8) : reasoning;
        if (t.IsNothing(reasoning))
        {
            return true;
        }

        if (!t.IsText(reasoning))
        {
            return Refuse("messages: reasoning is no string");
        }

        _out.Raw(",\"reasoning\":"u8);
        _out.Text(t, reasoning);
        _out.Raw(",\"reasoning_content\":"u8);
        _out.Text(t, reasoning);
        return true;
    }
}
