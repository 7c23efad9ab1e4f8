using System.Globalization;
using Epp.Native.Requests;
using Epp.Native.Wire;

namespace Epp.Native.KvEvents.Dynamo;

/// <summary>
/// Turns the JSON that older Dynamo releases send into the MessagePack of newer ones, so that one decoder reads both. Integers stay exact
/// up to 2⁶⁴ − 1; keys longer than 40 bytes are dropped with their value. Not thread-safe.
/// </summary>
internal sealed class JsonToMsgPack : IJsonSink
{
    private const byte Value = 1;

    private readonly JsonPushReader _reader;
    private readonly MsgPackWriter _writer = new();
    private readonly (int Place, int Count, bool IsMap)[] _open = new (int, int, bool)[JsonPushReader.MaxDepth + 1];
    private int _depth;

    public JsonToMsgPack() => _reader = new JsonPushReader(this);

    /// <summary>False where the text is not JSON. The result lives until the next call.</summary>
    public bool TryConvert(ReadOnlySpan<byte> json, out ReadOnlySpan<byte> msgPack)
    {
        _writer.Clear();
        _depth = 0;
        _reader.Reset(Value);
        _reader.Feed(json);
        var complete = _reader.Complete();
        msgPack = complete ? _writer.Written : default;
        return complete;
    }

    public byte Child(byte parent, ReadOnlySpan<byte> key)
    {
        _open[_depth].Count++;
        _writer.WriteText(key);
        return Value;
    }

    public byte Element(byte parent) => Value;

    public bool Begin(byte node, JsonKind kind, int start)
    {
        if (_depth > 0 && !_open[_depth].IsMap)
        {
            _open[_depth].Count++;
        }

        if (kind is JsonKind.Map or JsonKind.List)
        {
            _open[++_depth] = (kind == JsonKind.Map ? _writer.BeginMap() : _writer.BeginArray(), 0, kind == JsonKind.Map);
        }

        return true;
    }

    public void End(byte node, JsonKind kind, int end, ReadOnlySpan<byte> text)
    {
        switch (kind)
        {
            case JsonKind.Map or JsonKind.List:
                _writer.Patch(_open[_depth].Place, _open[_depth].Count);
                _depth--;
                break;
            case JsonKind.Text:
                _writer.WriteText(text);
                break;
            case JsonKind.Bool:
                _writer.WriteBool(text[0] == 't');
                break;
            case JsonKind.Number:
                Number(text);
                break;
            default:
                _writer.WriteNil();
                break;
        }
    }

    private void Number(ReadOnlySpan<byte> text)
    {
        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var whole))
        {
            _writer.WriteUInt64(whole);
        }
        else if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var signed))
        {
            _writer.WriteInt64(signed);
        }
        else
        {
            _writer.WriteDouble(double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) ? real : double.NaN);
        }
    }
}
