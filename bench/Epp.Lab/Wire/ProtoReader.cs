using System.Buffers.Binary;
using System.Text;

namespace Epp.Lab.Wire;

/// <summary>A peer sent bytes that are not the protobuf or gRPC they should be; the message says where.</summary>
internal sealed class WireException(string message) : Exception(message);

/// <summary>
/// Walks the fields of one protobuf message: <c>while (reader.Next()) switch (reader.Field)</c>.
/// <see cref="Payload"/> holds a length-delimited field's bytes, <see cref="Value"/> a varint's
/// or a 64-bit field's value; other wire types are skipped.
/// </summary>
internal ref struct ProtoReader(ReadOnlySpan<byte> message)
{
    ReadOnlySpan<byte> _rest = message;

    public int Field { get; private set; }

    public ulong Value { get; private set; }

    public ReadOnlySpan<byte> Payload { get; private set; }

    public readonly string Text => Encoding.UTF8.GetString(Payload);

    public bool Next()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }
        var tag = Varint();
        Field = (int)(tag >> 3);
        Payload = default;
        Value = 0;
        switch (tag & 7)
        {
            case 0:
                Value = Varint();
                break;
            case 1:
                Value = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case 2:
                Payload = Take(Varint());
                break;
            case 5:
                Take(4);
                break;
            default:
                throw new WireException($"field {Field} has wire type {tag & 7}, which protobuf does not use");
        }
        return true;
    }

    ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)_rest.Length)
        {
            throw new WireException($"field {Field} claims {count} bytes, {_rest.Length} are left");
        }
        var taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }

    ulong Varint()
    {
        ulong value = 0;
        for (var i = 0; i < 10 && i < _rest.Length; i++)
        {
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return value;
            }
        }
        throw new WireException("a varint does not end");
    }
}
