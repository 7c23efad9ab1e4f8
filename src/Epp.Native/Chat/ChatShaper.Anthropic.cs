using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>An Anthropic Messages request written as the chat request that vLLM makes of it.</content>
public sealed partial class ChatShaper
{
    private bool ConvertMessages()
    {
        var t = _body;
        var messages = t.Find(0, "messages"u8);
        if (!t.IsList(messages))
        {
            return Refuse("messages: missing or no list");
        }

        long most = 0;
        if (!TryInteger(t, t.Find(0, "max_tokens"u8), "max_tokens: no integer", ref most))
        {
            return false;
        }

        if (most < 1)
        {
            return Refuse("max_tokens: missing or below 1");
        }

        _converted.Reset();
        _converted.Raw("{\"messages\":["u8);
        _itemIsFirst = true;
        if (!ConvertSystem(t, messages))
        {
            return false;
        }

        for (var message = t.First(messages); message >= 0; message = t.After(messages, message))
        {
            if (!ConvertMessage(t, message))
            {
                return false;
            }
        }

        _converted.Byte((byte)']');
        return ConvertMessagesOptions(t, most);
    }

    private bool ConvertMessagesOptions(JsonTree t, long maxTokens)
    {
        CopyField(t, "model"u8);
        CopyField(t, "max_tokens"u8);
        if (_rules.ModernMessages)
        {
            CopyField(t, "chat_template_kwargs"u8);
            if (!ConvertThinking(t, maxTokens))
            {
                return false;
            }
        }

        if (!ConvertAnthropicTools(t))
        {
            return false;
        }

        _converted.Byte((byte)'}');
        return true;
    }

    private bool ConvertThinking(JsonTree t, long maxTokens)
    {
        var thinking = t.Find(0, "thinking"u8);
        var effort = t.Find(t.Find(0, "output_config"u8), "effort"u8);
        var type = t.Find(thinking, "type"u8);
        if (t.Is(type, "disabled"u8))
        {
            _converted.Raw(",\"reasoning_effort\":\"none\""u8);
            return true;
        }

        if (t.Is(type, "enabled"u8))
        {
            long budget = 0;
            if (!TryInteger(t, t.Find(thinking, "budget_tokens"u8), "thinking.budget_tokens: no integer", ref budget))
            {
                return false;
            }

            if (budget >= maxTokens)
            {
                return Refuse("thinking.budget_tokens: not below max_tokens");
            }
        }

        if (!t.IsNothing(effort))
        {
            _converted.Raw(",\"reasoning_effort\":"u8);
            _converted.Value(t, effort);
        }

        return true;
    }

    /// <summary>The system prompt: blocks joined without a separator; inline system messages too where the template would raise over them.</summary>
    private bool ConvertSystem(JsonTree t, int messages)
    {
        var o = _converted;
        var start = o.Length;
        o.Raw("{\"role\":\"system\",\"content\":\""u8);
        var text = o.Length;
        var system = t.Find(0, "system"u8);
        if (!WriteSystemText(t, system))
        {
            return false;
        }

        var isPresent = t.IsList(system) && !_rules.ModernMessages ? t.Count(system) > 0 : o.Length > text;
        if (HoistsInlineSystem)
        {
            for (var message = t.First(messages); message >= 0; message = t.After(messages, message))
            {
                if (t.Is(t.Find(message, "role"u8), "system"u8) && !WriteSystemText(t, t.Find(message, "content"u8)))
                {
                    return false;
                }
            }

            isPresent = o.Length > text;
        }

        if (!isPresent)
        {
            o.Truncate(start);
            return true;
        }

        o.Raw("\"}"u8);
        _itemIsFirst = false;
        return true;
    }

    private bool HoistsInlineSystem => _rules.ModernMessages && _profile.Template.RaisesOnInlineSystem;

    private bool WriteSystemText(JsonTree t, int system)
    {
        if (t.IsText(system))
        {
            _converted.TextInside(t, system);
            return true;
        }

        if (!t.IsList(system))
        {
            return t.IsNothing(system) || Refuse("system: no string and no list");
        }

        for (var block = t.First(system); block >= 0; block = t.After(system, block))
        {
            var text = t.Find(block, "text"u8);
            if (t.Is(t.Find(block, "type"u8), "text"u8) && t.IsText(text) && !(_rules.ModernMessages && t.Raw(text).StartsWith(BillingHeader)))
            {
                _converted.TextInside(t, text);
            }
        }

        return true;
    }

    private bool ConvertAnthropicTools(JsonTree t)
    {
        var choice = t.Find(0, "tool_choice"u8);
        var tools = t.Find(0, "tools"u8);
        if (!ConvertToolChoice(t, choice, !t.IsNothing(tools)))
        {
            return false;
        }

        if (t.IsNothing(tools))
        {
            return true;
        }

        if (!t.IsList(tools))
        {
            return Refuse("tools: no list");
        }

        _converted.Raw(",\"tools\":["u8);
        for (var tool = t.First(tools); tool >= 0; tool = t.After(tools, tool))
        {
            if (tool != t.First(tools))
            {
                _converted.Byte((byte)',');
            }

            if (!ConvertAnthropicTool(t, tool))
            {
                return Refuse("tools: an element has no name or no input_schema");
            }
        }

        _converted.Byte((byte)']');
        return true;
    }

    private bool ConvertAnthropicTool(JsonTree t, int tool)
    {
        var o = _converted;
        var name = t.Find(tool, "name"u8);
        var schema = t.Find(tool, "input_schema"u8);
        if (!t.IsText(name) || !t.IsMap(schema))
        {
            return false;
        }

        o.Raw("{\"type\":\"function\",\"function\":{\"name\":"u8);
        o.Text(t, name);
        o.Raw(",\"description\":"u8);
        CopyOrNull(t, t.Find(tool, "description"u8));
        o.Raw(",\"parameters\":"u8);
        o.Value(t, schema);
        if (t.Find(schema, "type"u8) < 0)
        {
            o.Truncate(o.Length - 1);
            o.Raw(t.FirstKey(schema) < 0 ? "\"type\":\"object\"}"u8 : ",\"type\":\"object\"}"u8);
        }

        var deferred = t.Find(tool, "defer_loading"u8);
        if (_rules.ModernMessages && !t.IsNothing(deferred))
        {
            o.Raw(",\"defer_loading\":"u8);
            o.Value(t, deferred);
        }

        o.Raw("}}"u8);
        return true;
    }

    private bool ConvertToolChoice(JsonTree t, int choice, bool hasTools)
    {
        var o = _converted;
        var type = t.Find(choice, "type"u8);
        if (t.IsNothing(choice))
        {
            o.Raw(hasTools ? ",\"tool_choice\":\"auto\""u8 : default);
            return true;
        }

        if (t.Is(type, "tool"u8))
        {
            o.Raw(",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":"u8);
            CopyOrNull(t, t.Find(choice, "name"u8));
            o.Raw("}}"u8);
            return true;
        }

        var name = t.Is(type, "auto"u8) ? ",\"tool_choice\":\"auto\""u8
            : t.Is(type, "any"u8) ? ",\"tool_choice\":\"required\""u8
            : _rules.ModernMessages && t.Is(type, "none"u8) ? ",\"tool_choice\":\"none\""u8
            : default;
        o.Raw(name);
        return !name.IsEmpty || Refuse("tool_choice: unknown");
    }
}
