using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>Tool calls in the history of a vLLM request.</content>
public sealed partial class ChatShaper
{
    private bool WriteToolCalls(JsonTree t, int message)
    {
        var calls = t.Find(message, "tool_calls"u8);
        if (t.IsNothing(calls))
        {
            return true;
        }

        if (!t.IsList(calls))
        {
            return Refuse("messages: tool_calls is no list");
        }

        if (t.Count(calls) == 0 && _rules.DropsEmptyToolCalls)
        {
            return true;
        }

        _out.Raw(",\"tool_calls\":["u8);
        for (var call = t.First(calls); call >= 0; call = t.After(calls, call))
        {
            if (call != t.First(calls))
            {
                _out.Byte((byte)',');
            }

            if (!WriteToolCall(t, call))
            {
                return false;
            }
        }

        _out.Byte((byte)']');
        return true;
    }

    /// <summary>Keys in pydantic's order of declaration, extras behind; a Responses call was never validated and keeps its builder's order.</summary>
    private bool WriteToolCall(JsonTree t, int call)
    {
        var id = t.Find(call, "id"u8);
        var function = t.Find(call, "function"u8);
        var name = t.Find(function, "name"u8);
        var arguments = t.Find(function, "arguments"u8);
        if (!t.IsMap(call) || !t.IsText(id) || !t.Is(t.Find(call, "type"u8), "function"u8) || !t.IsText(name)
            || !(t.IsText(arguments) || (_origin == ChatOrigin.Messages && t.IsMap(arguments))))
        {
            return Refuse("messages: a tool call is no function call with text arguments");
        }

        _out.Raw("{\"id\":"u8);
        _out.Text(t, id);
        _out.Raw(",\"function\":{"u8);
        if (_origin == ChatOrigin.Responses)
        {
            _out.Raw("\"name\":"u8);
            _out.Text(t, name);
            _out.Byte((byte)',');
        }

        _out.Raw("\"arguments\":"u8);
        if (!WriteArguments(t, arguments))
        {
            return false;
        }

        if (_origin != ChatOrigin.Responses)
        {
            _out.Raw(",\"name\":"u8);
            _out.Text(t, name);
        }

        WriteOtherMembers(t, function, "arguments"u8, "name"u8, default);
        _out.Raw("},\"type\":\"function\""u8);
        WriteOtherMembers(t, call, "id"u8, "function"u8, "type"u8);
        _out.Byte((byte)'}');
        return true;
    }

    /// <summary>The JSON in the string, as <c>json.loads</c> reads it.</summary>
    private bool WriteArguments(JsonTree t, int arguments)
    {
        if (t.IsMap(arguments))
        {
            _out.Value(t, arguments);
            return true;
        }

        if (t.Raw(arguments).IsEmpty)
        {
            _out.Raw("{}"u8);
            return true;
        }

        var outcome = ParseInside(t, arguments, allowSpecialNumbers: true);
        if (outcome is JsonOutcome.TooDeep or JsonOutcome.TooLarge)
        {
            return _result.Refuse(ShapeRefusal.TooLarge, "messages: tool arguments nested too deep or too large");
        }

        if (_rules.ArgumentsAlwaysObject && (outcome != JsonOutcome.Ok || _arguments.RootKind != JsonKind.Map))
        {
            _out.Raw("{}"u8);
            return true;
        }

        if (outcome != JsonOutcome.Ok)
        {
            return Refuse("messages: tool arguments are no JSON");
        }

        _out.Value(_arguments, 0);
        return true;
    }

    /// <summary>Reads the JSON text that a string holds into <see cref="_arguments"/>.</summary>
    private JsonOutcome ParseInside(JsonTree t, int text, bool allowSpecialNumbers)
    {
        var raw = t.Raw(text);
        return _arguments.Parse(JsonText.Unescape(raw, _arguments.Begin(raw.Length)), allowSpecialNumbers);
    }
}
