using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>Items of a Responses input. Since vLLM 0.2x neighbouring items of the assistant become one message.</content>
public sealed partial class ChatShaper
{
    private readonly AssistantTurn _turn = new();
    private bool _itemIsFirst;

    private void BeginItem()
    {
        if (!_itemIsFirst)
        {
            _converted.Byte((byte)',');
        }

        _itemIsFirst = false;
    }

    private bool ConvertItem(JsonTree t, int item)
    {
        var type = t.Find(item, "type"u8);
        var role = t.Find(item, "role"u8);
        if (t.Is(type, "function_call"u8))
        {
            return ConvertCall(t, item);
        }

        if (t.Is(type, "function_call_output"u8))
        {
            return ConvertCallOutput(t, item);
        }

        if (t.Is(type, "reasoning"u8))
        {
            return _rules.ModernResponses && ConvertReasoning(t, item);
        }

        if ((type >= 0 && !t.Is(type, "message"u8)) || !t.IsText(role))
        {
            return false;
        }

        if (_rules.ModernResponses && t.Is(role, "assistant"u8))
        {
            return ConvertAssistant(t, item);
        }

        FlushTurn(t);
        BeginItem();
        _converted.Raw("{\"role\":"u8);
        _converted.Text(t, role);
        _converted.Raw(",\"content\":"u8);
        CopyOrNull(t, t.Find(item, "content"u8));
        _converted.Byte((byte)'}');
        return true;
    }

    private bool ConvertAssistant(JsonTree t, int item)
    {
        var content = t.Find(item, "content"u8);
        var text = -1;
        if (t.IsText(content))
        {
            text = content;
        }
        else if (t.IsList(content) && t.Count(content) > 0)
        {
            // Only the first part is read.
            var first = t.First(content);
            text = t.Find(first, "text"u8);
            if (!t.IsText(text))
            {
                return false;
            }
        }

        if (_turn.HasContent)
        {
            FlushTurn(t);
        }

        _turn.HasContent = true;
        _turn.Content = text;
        return true;
    }

    private bool ConvertReasoning(JsonTree t, int item)
    {
        if (!t.IsNothing(t.Find(item, "encrypted_content"u8)))
        {
            return false;
        }

        var parts = t.Find(item, "content"u8);
        parts = t.IsList(parts) && t.Count(parts) > 0 ? parts : t.Find(item, "summary"u8);
        var text = -1;
        if (t.IsList(parts) && t.Count(parts) > 0)
        {
            text = t.Find(t.First(parts), "text"u8);
            if (!t.IsText(text))
            {
                return false;
            }
        }

        if (_turn.HasReasoning)
        {
            FlushTurn(t);
        }

        _turn.HasReasoning = true;
        _turn.Reasoning = text;
        return true;
    }

    private bool ConvertCall(JsonTree t, int item)
    {
        if (!t.IsText(t.Find(item, "call_id"u8)) || !t.IsText(t.Find(item, "name"u8)) || !t.IsText(t.Find(item, "arguments"u8))
            || !t.IsNothing(t.Find(item, "namespace"u8)))
        {
            return false;
        }

        if (!_rules.ModernResponses)
        {
            FlushTurn(t);
        }

        _turn.AddCall(item);
        return true;
    }

    private bool ConvertCallOutput(JsonTree t, int item)
    {
        var id = t.Find(item, "call_id"u8);
        if (!t.IsText(id))
        {
            return false;
        }

        FlushTurn(t);
        BeginItem();
        _converted.Raw("{\"role\":\"tool\",\"content\":"u8);
        CopyOrNull(t, t.Find(item, "output"u8));
        _converted.Raw(",\"tool_call_id\":"u8);
        _converted.Text(t, id);
        _converted.Byte((byte)'}');
        return true;
    }

    /// <summary>Writes the assistant's message that is being gathered, if any.</summary>
    private void FlushTurn(JsonTree t)
    {
        if (_turn.IsEmpty)
        {
            return;
        }

        var o = _converted;
        BeginItem();
        o.Raw("{\"role\":\"assistant\""u8);
        if (_turn.HasContent)
        {
            o.Raw(",\"content\":"u8);
            WriteTextOrEmpty(t, _turn.Content);
        }

        if (_turn.HasReasoning)
        {
            o.Raw(",\"reasoning\":"u8);
            WriteTextOrEmpty(t, _turn.Reasoning);
        }

        if (_turn.CallCount > 0)
        {
            o.Raw(",\"tool_calls\":["u8);
            for (var i = 0; i < _turn.CallCount; i++)
            {
                WriteCall(t, _turn.Call(i), i > 0);
            }

            o.Byte((byte)']');
        }

        o.Byte((byte)'}');
        _turn.Clear();
    }

    private void WriteCall(JsonTree t, int item, bool isLater)
    {
        var o = _converted;
        o.Raw(isLater ? ",{\"id\":"u8 : "{\"id\":"u8);
        o.Text(t, t.Find(item, "call_id"u8));
        o.Raw(",\"type\":\"function\",\"function\":{\"name\":"u8);
        o.Text(t, t.Find(item, "name"u8));
        o.Raw(",\"arguments\":"u8);
        o.Text(t, t.Find(item, "arguments"u8));
        o.Raw("}}"u8);
    }

    private void WriteTextOrEmpty(JsonTree t, int text)
    {
        if (text < 0)
        {
            _converted.Raw("\"\""u8);
        }
        else
        {
            _converted.Text(t, text);
        }
    }

    /// <summary>Neighbouring items of the assistant.</summary>
    private sealed class AssistantTurn
    {
        private int[] _calls = new int[4];

        public bool HasContent { get; set; }

        public int Content { get; set; }

        public bool HasReasoning { get; set; }

        public int Reasoning { get; set; }

        public int CallCount { get; private set; }

        public bool IsEmpty => !HasContent && !HasReasoning && CallCount == 0;

        public int Call(int i) => _calls[i];

        public void AddCall(int item)
        {
            if (CallCount == _calls.Length)
            {
                Array.Resize(ref _calls, CallCount * 2);
            }

            _calls[CallCount++] = item;
        }

        public void Clear()
        {
            HasContent = false;
            HasReasoning = false;
            CallCount = 0;
        }
    }
}
