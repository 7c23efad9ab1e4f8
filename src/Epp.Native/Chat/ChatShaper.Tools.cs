using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>Tools of a vLLM chat request, as pydantic dumps them again.</content>
public sealed partial class ChatShaper
{
    private enum ToolChoice : byte
    {
        Null,
        None,
        Auto,
        Required,
        Named,
    }

    private bool ReadTools(JsonTree t)
    {
        _toolsTree = t;
        _toolsAsSent = _origin == ChatOrigin.Responses;
        _tools = t.Find(0, "tools"u8);
        if (t.IsNothing(_tools))
        {
            _tools = -1;
        }
        else if (!t.IsList(_tools))
        {
            return Refuse("tools: no list");
        }
        else if (_origin == ChatOrigin.Chat && _rules.RefusesEmptyTools && t.Count(_tools) == 0)
        {
            return Refuse("tools: empty");
        }

        return _toolsAsSent ? ReadToolOverride(t) : ReadToolChoice(t) && ReadToolOverride(t);
    }

    private bool ReadToolChoice(JsonTree t)
    {
        if (_origin is ChatOrigin.Embeddings or ChatOrigin.Tokenize)
        {
            return true;
        }

        var node = t.Find(0, "tool_choice"u8);
        var choice = ToolChoice.Null;
        if (node < 0)
        {
            choice = _tools >= 0 && t.Count(_tools) > 0 ? ToolChoice.Auto : ToolChoice.None;
        }
        else if (!TryToolChoice(t, node, ref choice))
        {
            return false;
        }

        if (node >= 0 && choice > ToolChoice.None && _tools < 0 && _origin == ChatOrigin.Chat)
        {
            return Refuse("tool_choice: without tools");
        }

        if (choice == ToolChoice.Auto && !(_profile.AutoToolChoice && _profile.HasToolParser))
        {
            return Refuse("tool_choice: auto needs --enable-auto-tool-choice and --tool-call-parser");
        }

        if (choice > ToolChoice.Auto && _rules.ChecksRequiredToolParser && !_profile.HasToolParser)
        {
            return Refuse("tool_choice: needs --tool-call-parser");
        }

        if (choice == ToolChoice.None && _profile.ExcludesToolsOnChoiceNone)
        {
            _tools = -1;
        }

        return true;
    }

    private bool TryToolChoice(JsonTree t, int node, ref ToolChoice choice)
    {
        if (t.Kind(node) == JsonKind.Null)
        {
            return true;
        }

        if (t.IsMap(node))
        {
            choice = ToolChoice.Named;
            var name = t.Find(t.Find(node, "function"u8), "name"u8);
            return (t.IsText(name) && (_origin != ChatOrigin.Chat || HasTool(t, name)))
                || Refuse("tool_choice: names no tool");
        }

        choice = t.Is(node, "none"u8) ? ToolChoice.None
            : t.Is(node, "auto"u8) ? ToolChoice.Auto
            : t.Is(node, "required"u8) ? ToolChoice.Required
            : ToolChoice.Null;
        return choice != ToolChoice.Null || Refuse("tool_choice: unknown");
    }

    private bool HasTool(JsonTree t, int name)
    {
        if (_tools < 0)
        {
            return false;
        }

        for (var tool = t.First(_tools); tool >= 0; tool = t.After(_tools, tool))
        {
            var other = t.Find(t.Find(tool, "function"u8), "name"u8);
            if (t.IsText(other) && JsonTree.SameText(t, name, t, other))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>kwargs may carry the tools themselves; 0.11 takes even their null.</summary>
    private bool ReadToolOverride(JsonTree t)
    {
        var named = TakesKwargs ? t.Find(t.Find(0, "chat_template_kwargs"u8), "tools"u8) : -1;
        if (named < 0 || (_rules.DropsNullKwargs && t.Kind(named) == JsonKind.Null) || (_toolsAsSent && !_rules.ModernResponses))
        {
            return true;
        }

        _toolsAsSent = true;
        _tools = t.IsNothing(named) ? -1 : named;
        return true;
    }

    private bool WriteTools()
    {
        var t = _toolsTree;
        if (_tools < 0)
        {
            _out.Raw("null"u8);
            return true;
        }

        if (_toolsAsSent)
        {
            _out.Value(t, _tools);
            return true;
        }

        _out.Byte((byte)'[');
        for (var tool = t.First(_tools); tool >= 0; tool = t.After(_tools, tool))
        {
            if (tool != t.First(_tools))
            {
                _out.Byte((byte)',');
            }

            if (!WriteTool(t, tool))
            {
                return false;
            }
        }

        _out.Byte((byte)']');
        return true;
    }

    private bool WriteTool(JsonTree t, int tool)
    {
        var type = t.Find(tool, "type"u8);
        var function = t.Find(tool, "function"u8);
        if (!t.IsMap(tool) || !t.IsMap(function) || (type >= 0 && !t.Is(type, "function"u8)))
        {
            return Refuse("tools: an element is no function");
        }

        var deferred = t.Find(tool, "defer_loading"u8);
        _out.Raw("{\"type\":\"function\",\"function\":"u8);
        if (!WriteFunction(t, function, _rules.KeepsToolFields ? -1 : deferred))
        {
            return false;
        }

        if (_rules.KeepsToolFields)
        {
            WriteOtherMembers(t, tool, "type"u8, "function"u8, default);
        }
        else if (!t.IsNothing(deferred))
        {
            _out.Raw(",\"defer_loading\":"u8);
            _out.Value(t, deferred);
        }

        _out.Byte((byte)'}');
        return true;
    }

    private bool WriteFunction(JsonTree t, int function, int deferred)
    {
        var name = t.Find(function, "name"u8);
        var description = t.Find(function, "description"u8);
        var parameters = t.Find(function, "parameters"u8);
        if (!t.IsText(name) || !(t.IsNothing(description) || t.IsText(description)) || !(t.IsNothing(parameters) || t.IsMap(parameters)))
        {
            return Refuse("tools: a function's name, description or parameters are of the wrong type");
        }

        _out.Raw("{\"name\":"u8);
        _out.Text(t, name);
        _out.Raw(",\"description\":"u8);
        WriteOrNull(t, description);
        _out.Raw(",\"parameters\":"u8);
        WriteOrNull(t, parameters);
        WriteOtherMembers(t, function, "name"u8, "description"u8, "parameters"u8, !t.IsNothing(deferred));
        if (!t.IsNothing(deferred))
        {
            _out.Raw(",\"defer_loading\":"u8);
            _out.Value(t, deferred);
        }

        _out.Byte((byte)'}');
        return true;
    }

    /// <summary>Tools inside a developer's message: validated, so in order of declaration, but nothing is added.</summary>
    private void WriteDeveloperTools(JsonTree t, int tools)
    {
        if (!t.IsList(tools))
        {
            WriteOrNull(t, tools);
            return;
        }

        _out.Byte((byte)'[');
        for (var tool = t.First(tools); tool >= 0; tool = t.After(tools, tool))
        {
            _out.Raw(tool == t.First(tools) ? default : ","u8);
            if (!t.IsMap(tool))
            {
                _out.Value(t, tool);
                continue;
            }

            _out.Raw("{\"function\":"u8);
            WriteOrNull(t, t.Find(tool, "function"u8));
            WriteOtherMembers(t, tool, "function"u8, default, default);
            _out.Byte((byte)'}');
        }

        _out.Byte((byte)']');
    }

    private void WriteOrNull(JsonTree t, int node)
    {
        if (node < 0)
        {
            _out.Raw("null"u8);
        }
        else
        {
            _out.Value(t, node);
        }
    }

    /// <summary>The members that are none of the three, as pydantic's extras: behind the declared ones, in the client's order.</summary>
    private void WriteOtherMembers(
        JsonTree t, int map, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third, bool skipsDeferred = false)
    {
        for (var key = t.FirstKey(map); key >= 0; key = t.KeyAfter(map, key))
        {
            if (t.Is(key, first) || t.Is(key, second) || (!third.IsEmpty && t.Is(key, third)) || (skipsDeferred && t.Is(key, "defer_loading"u8)))
            {
                continue;
            }

            _out.Byte((byte)',');
            _out.Text(t, key);
            _out.Byte((byte)':');
            _out.Value(t, t.Value(key));
        }
    }
}
