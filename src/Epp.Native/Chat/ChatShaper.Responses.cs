using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>A Responses request written as the chat request that vLLM makes of it.</content>
public sealed partial class ChatShaper
{
    private bool ConvertResponses()
    {
        var t = _body;
        if (!t.IsNothing(t.Find(0, "previous_response_id"u8)) || !t.IsNothing(t.Find(0, "previous_input_messages"u8)))
        {
            return _result.Refuse(ShapeRefusal.NotReproduced, "previous_response_id: the history lies at the engine");
        }

        var input = t.Find(0, "input"u8);
        if (!t.IsText(input) && !t.IsList(input))
        {
            return Refuse("input: no string and no list");
        }

        var o = _converted;
        o.Reset();
        o.Raw("{\"messages\":["u8);
        var instructions = t.Find(0, "instructions"u8);
        _itemIsFirst = true;
        if (t.IsText(instructions) && !t.Raw(instructions).IsEmpty)
        {
            BeginItem();
            o.Raw("{\"role\":\"system\",\"content\":"u8);
            o.Text(t, instructions);
            o.Byte((byte)'}');
        }

        if (!WriteInput(t, input))
        {
            return false;
        }

        o.Byte((byte)']');
        return WriteResponsesOptions(t, input);
    }

    private bool WriteInput(JsonTree t, int input)
    {
        if (t.IsText(input))
        {
            BeginItem();
            _converted.Raw("{\"role\":\"user\",\"content\":"u8);
            _converted.Text(t, input);
            _converted.Byte((byte)'}');
            return true;
        }

        _turn.Clear();
        for (var item = t.First(input); item >= 0; item = t.After(input, item))
        {
            if (!t.IsMap(item) || !ConvertItem(t, item))
            {
                return _result.Refuse(ShapeRefusal.InvalidRequest, "input: an item is not understood");
            }
        }

        FlushTurn(t);
        return true;
    }

    private bool WriteResponsesOptions(JsonTree t, int input)
    {
        var o = _converted;
        if (!WriteResponsesTools(t))
        {
            return false;
        }

        var effort = t.Find(t.Find(0, "reasoning"u8), "effort"u8);
        if (!t.IsNothing(effort))
        {
            if (!_rules.ModernResponses && !IsOldEffort(t, effort))
            {
                return Refuse("reasoning.effort: unknown");
            }

            if (_rules.ModernResponses)
            {
                o.Raw(",\"reasoning_effort\":"u8);
                o.Value(t, effort);
            }
        }

        var kwargs = t.Find(0, "chat_template_kwargs"u8);
        if (_rules.ModernResponses && kwargs >= 0)
        {
            o.Raw(",\"chat_template_kwargs\":"u8);
            o.Value(t, kwargs);
        }

        if (_rules.ModernResponses && ContinuesLastItem(t, input))
        {
            o.Raw(",\"add_generation_prompt\":false,\"continue_final_message\":true"u8);
        }

        // Only "auto" truncates, to what the model takes.
        if (t.Is(t.Find(0, "truncation"u8), "auto"u8))
        {
            o.Raw(",\"truncate_prompt_tokens\":-1"u8);
        }

        CopyField(t, "cache_salt"u8);
        CopyField(t, "model"u8);
        o.Byte((byte)'}');
        return true;
    }

    private static bool IsOldEffort(JsonTree t, int effort) =>
        t.Is(effort, "minimal"u8) || t.Is(effort, "low"u8) || t.Is(effort, "medium"u8) || t.Is(effort, "high"u8);

    private void CopyField(JsonTree t, ReadOnlySpan<byte> name)
    {
        var node = t.Find(0, name);
        if (node >= 0)
        {
            _converted.Raw(",\""u8);
            _converted.Raw(name);
            _converted.Raw("\":"u8);
            _converted.Value(t, node);
        }
    }

    private static bool ContinuesLastItem(JsonTree t, int input)
    {
        if (!t.IsList(input))
        {
            return false;
        }

        var last = -1;
        for (var item = t.First(input); item >= 0; item = t.After(input, item))
        {
            last = item;
        }

        var type = t.Find(last, "type"u8);
        var status = t.Find(last, "status"u8);
        return (type < 0 || t.Is(type, "message"u8) || t.Is(type, "reasoning"u8)) && (t.Is(status, "in_progress"u8) || t.Is(status, "incomplete"u8));
    }

    private bool WriteResponsesTools(JsonTree t)
    {
        var o = _converted;
        var tools = t.Find(0, "tools"u8);
        if (!t.IsNothing(tools) && !t.IsList(tools))
        {
            return Refuse("tools: no list");
        }

        var isEmpty = t.IsNothing(tools) || t.Count(tools) == 0;
        if (_rules.ModernResponses && (isEmpty || (_profile.ExcludesToolsOnChoiceNone && t.Is(t.Find(0, "tool_choice"u8), "none"u8))))
        {
            return true;
        }

        o.Raw(",\"tools\":["u8);
        var isFirst = true;
        for (var tool = isEmpty ? -1 : t.First(tools); tool >= 0; tool = t.After(tools, tool))
        {
            var isFunction = t.Is(t.Find(tool, "type"u8), "function"u8);
            if (_rules.ModernResponses && !isFunction && !t.Is(t.Find(tool, "type"u8), "namespace"u8))
            {
                continue;
            }

            if (!isFirst)
            {
                o.Byte((byte)',');
            }

            isFirst = false;
            if (!(_rules.ModernResponses ? WriteModernTool(t, tool, isFunction) : WriteOldTool(t, tool, isFunction)))
            {
                return _result.Refuse(ShapeRefusal.NotReproduced, "tools: an element is not reproduced");
            }
        }

        o.Byte((byte)']');
        return true;
    }

    /// <summary>The function as chat completions would name it.</summary>
    private bool WriteModernTool(JsonTree t, int tool, bool isFunction)
    {
        var name = t.Find(tool, "name"u8);
        if (!isFunction || !t.IsText(name))
        {
            return false;
        }

        var o = _converted;
        o.Raw("{\"type\":\"function\",\"function\":{\"name\":"u8);
        o.Text(t, name);
        o.Raw(",\"description\":"u8);
        CopyOrNull(t, t.Find(tool, "description"u8));
        o.Raw(",\"parameters\":"u8);
        CopyOrNull(t, t.Find(tool, "parameters"u8));
        var strict = t.Find(tool, "strict"u8);
        if (!t.IsNothing(strict))
        {
            o.Raw(",\"strict\":"u8);
            o.Value(t, strict);
        }

        o.Raw("}}"u8);
        return true;
    }

    /// <summary>The whole tool as a function, dumped in the order in which the OpenAI client declares its fields.</summary>
    private bool WriteOldTool(JsonTree t, int tool, bool isFunction)
    {
        var o = _converted;
        if (!isFunction)
        {
            if (!t.Is(t.Find(tool, "type"u8), "web_search_preview"u8))
            {
                return false;
            }

            o.Raw("{\"type\":\"function\",\"function\":{\"type\":\"web_search_preview\",\"search_context_size\":"u8);
            CopyOrNull(t, t.Find(tool, "search_context_size"u8));
            o.Raw(",\"user_location\":"u8);
            CopyOrNull(t, t.Find(tool, "user_location"u8));
            o.Raw("}}"u8);
            return true;
        }

        o.Raw("{\"type\":\"function\",\"function\":{\"name\":"u8);
        CopyOrNull(t, t.Find(tool, "name"u8));
        o.Raw(",\"parameters\":"u8);
        CopyOrNull(t, t.Find(tool, "parameters"u8));
        o.Raw(",\"strict\":"u8);
        CopyOrNull(t, t.Find(tool, "strict"u8));
        o.Raw(",\"type\":\"function\",\"description\":"u8);
        CopyOrNull(t, t.Find(tool, "description"u8));
        o.Raw("}}"u8);
        return true;
    }

    private void CopyOrNull(JsonTree t, int node)
    {
        if (node < 0)
        {
            _converted.Raw("null"u8);
        }
        else
        {
            _converted.Value(t, node);
        }
    }
}
