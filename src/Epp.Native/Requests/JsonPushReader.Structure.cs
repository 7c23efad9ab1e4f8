namespace Epp.Native.Requests;

/// <summary>Objects and lists: where values begin and end.</summary>
internal sealed partial class JsonPushReader
{
    private void BeginValue(byte c, int start)
    {
        switch (c)
        {
            case (byte)'"':
                BeginText(start);
                break;
            case (byte)'{':
                BeginContainer(JsonKind.Map, start);
                break;
            case (byte)'[':
                BeginContainer(JsonKind.List, start);
                break;
            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
                BeginNumber(c, start);
                break;
            case (byte)'t' or (byte)'f' or (byte)'n':
                _word = c;
                _wordAt = 1;
                _state = State.Word;
                Announce(c == 'n' ? JsonKind.Null : JsonKind.Bool, start);
                break;
            default:
                Fail(c, "looking for beginning of value");
                break;
        }
    }

    private bool Announce(JsonKind kind, int start)
    {
        if (_depth == 0)
        {
            TopKind = kind;
        }

        return _next != Skip && sink.Begin(_next, kind, start);
    }

    private void BeginContainer(JsonKind kind, int start)
    {
        if (_depth == MaxDepth)
        {
            Fail(GoJson.TooDeep);
            return;
        }

        Announce(kind, start);
        _nodes[++_depth] = _next;
        var bit = 1UL << (_depth - 1);
        if (kind == JsonKind.Map)
        {
            _maps |= bit;
            _state = State.KeyOrEnd;
            return;
        }

        _maps &= ~bit;
        _state = State.ValueOrEnd;
        _next = _next == Skip ? Skip : sink.Element(_next);
    }

    private void EndContainer(JsonKind kind, int end)
    {
        LastMapHadMembers = _state != State.KeyOrEnd;
        var node = _nodes[_depth--];
        EndValue(node, kind, end, default);
    }

    private void EndValue(byte node, JsonKind kind, int end, ReadOnlySpan<byte> text)
    {
        _state = _depth == 0 ? State.Top : State.AfterValue;
        if (node != Skip)
        {
            sink.End(node, kind, end, text);
        }
    }

    private void AfterValue(byte c, int end)
    {
        var isMap = (_maps >> (_depth - 1) & 1) != 0;
        if (c == ',')
        {
            _state = isMap ? State.Key : State.Value;
            if (!isMap)
            {
                var node = _nodes[_depth];
                _next = node == Skip ? Skip : sink.Element(node);
            }
        }
        else if (c == (isMap ? '}' : ']'))
        {
            EndContainer(isMap ? JsonKind.Map : JsonKind.List, end);
        }
        else
        {
            Fail(c, isMap ? "after object key:value pair" : "after array element");
        }
    }
}
