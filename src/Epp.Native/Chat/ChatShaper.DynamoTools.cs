using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>Tools and tool calls as Dynamo's frontend re-serialises them.</content>
public sealed partial class ChatShaper
{
    private bool ReadDynamoTools(JsonTree t)
    {
        _tools = t.Find(0, "tools"u8);
        if (t.IsNothing(_tools))
        {
            _tools = -1;
        }
        else if (!t.IsList(_tools) || (_rules.RefusesEmptyTools && t.Count(_tools) == 0))
        {
            return Refuse("tools: no list or empty");
        }

        for (var tool = _tools < 0 ? -1 : t.First(_tools); tool >= 0; tool = t.After(_tools, tool))
        {
            if (!CheckDynamoTool(t, tool))
            {
                return Refuse("tools: an element is no function as the frontend wants it");
            }
        }

        var choice = t.Find(0, "tool_choice"u8);
        if (!t.IsNothing(choice) && !IsDynamoChoice(t, choice))
        {
            return Refuse("tool_choice: unknown");
        }

        if (t.Is(choice, "none"u8))
        {
            _tools = -1;
        }

        return true;
    }

    private bool IsDynamoChoice(JsonTree t, int choice)
    {
        if (t.Is(choice, "none"u8) || t.Is(choice, "auto"u8))
        {
            return true;
        }

        if (t.Is(choice, "required"u8))
        {
            return !_rules.ChecksMaxTokens || (_tools >= 0 && t.Count(_tools) > 0);
        }

        var name = t.Find(t.Find(choice, "function"u8), "name"u8);
        return t.IsText(name) && (!_rules.ChecksMaxTokens || HasTool(t, name));
    }

    private bool CheckDynamoTool(JsonTree t, int tool)
    {
        var function = t.Find(tool, "function"u8);
        var name = t.Find(function, "name"u8);
        var description = t.Find(function, "description"u8);
        var strict = t.Find(function, "strict"u8);
        return t.Is(t.Find(tool, "type"u8), "function"u8)
            && t.IsText(name)
            && (t.IsNothing(description) || t.IsText(description))
            && (t.IsNothing(strict) || t.Kind(strict) == JsonKind.Bool)
            && (!_rules.ChecksStrictTools || !t.IsTrue(strict) || IsStrict(t, t.Find(function, "parameters"u8)));
    }

    private bool WriteDynamoTools(JsonTree t)
    {
        if (_tools < 0)
        {
            _out.Raw("null"u8);
            return true;
        }

        _out.Byte((byte)'[');
        for (var tool = t.First(_tools); tool >= 0; tool = t.After(_tools, tool))
        {
            _out.Raw(tool == t.First(_tools) ? default : ","u8);
            WriteDynamoTool(t, t.Find(tool, "function"u8));
        }

        _out.Byte((byte)']');
        return true;
    }

    private void WriteDynamoTool(JsonTree t, int function)
    {
        var description = t.Find(function, "description"u8);
        var parameters = t.Find(function, "parameters"u8);
        var strict = t.Find(function, "strict"u8);
        _out.Raw("{\"type\":\"function\",\"function\":{\"name\":"u8);
        _out.Text(t, t.Find(function, "name"u8));
        if (!t.IsNothing(description))
        {
            _out.Raw(",\"description\":"u8);
            _out.Text(t, description);
        }

        if (!t.IsNothing(parameters))
        {
            _out.Raw(",\"parameters\":"u8);
            WriteSchema(t, parameters);
        }

        if (!t.IsNothing(strict))
        {
            _out.Raw(",\"strict\":"u8);
            _out.Value(t, strict);
        }

        if (_rules.FillsToolDescription && t.IsNothing(description))
        {
            _out.Raw(",\"description\":\"\""u8);
        }

        _out.Raw("}}"u8);
    }

    /// <summary>A schema without type or properties gets them, behind what it has.</summary>
    private void WriteSchema(JsonTree t, int schema)
    {
        _out.Value(t, schema);
        if (!t.IsMap(schema))
        {
            return;
        }

        var needsType = t.Find(schema, "type"u8) < 0;
        var needsProperties = t.Find(schema, "properties"u8) < 0;
        if (!needsType && !needsProperties)
        {
            return;
        }

        _out.Truncate(_out.Length - 1);
        var separator = t.FirstKey(schema) < 0 ? default : ","u8;
        if (needsType)
        {
            _out.Raw(separator);
            _out.Raw("\"type\":\"object\""u8);
            separator = ","u8;
        }

        if (needsProperties)
        {
            _out.Raw(separator);
            _out.Raw("\"properties\":{}"u8);
        }

        _out.Byte((byte)'}');
    }

    private bool WriteDynamoCalls(JsonTree t, int calls)
    {
        _out.Raw(",\"tool_calls\":["u8);
        for (var call = t.First(calls); call >= 0; call = t.After(calls, call))
        {
            var function = t.Find(call, "function"u8);
            _out.Raw(call == t.First(calls) ? "{\"id\":"u8 : ",{\"id\":"u8);
            _out.Text(t, t.Find(call, "id"u8));
            _out.Raw(",\"type\":\"function\",\"function\":{\"name\":"u8);
            _out.Text(t, t.Find(function, "name"u8));
            _out.Raw(",\"arguments\":"u8);
            if (!WriteDynamoArguments(t, t.Find(function, "arguments"u8)))
            {
                return false;
            }

            _out.Raw("}}"u8);
        }

        _out.Byte((byte)']');
        return true;
    }

    private bool WriteDynamoArguments(JsonTree t, int arguments)
    {
        var asText = _rules.ChecksArguments && _facts.TakesArgumentsAsText;
        if (!t.IsText(arguments))
        {
            // Deserialised to the text that serde writes, and from there as any other text.
            if (asText)
            {
                _part.Reset();
                _part.Value(t, arguments);
                _out.Quote(_part.Written);
            }
            else
            {
                _out.Value(t, arguments);
            }

            return t.IsMap(arguments) || !_rules.ChecksArguments || Refuse("messages: tool arguments are no object");
        }

        var isEmpty = t.Raw(arguments).IsEmpty;
        var outcome = isEmpty ? JsonOutcome.Invalid : ParseInside(t, arguments, allowSpecialNumbers: false);
        var isJson = outcome == JsonOutcome.Ok && !_arguments.HasLoneSurrogates;
        if (_rules.ChecksArguments && !isEmpty && !(isJson && _arguments.RootKind == JsonKind.Map))
        {
            return Refuse("messages: tool arguments are no JSON object");
        }

        if (isJson && !asText)
        {
            _out.Value(_arguments, 0);
        }
        else
        {
            _out.Text(t, arguments);
        }

        return true;
    }
}
