using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Epp.Lab.Wire;

/// <summary>Writes msgpack: numbers in their shortest form.</summary>
internal sealed class MsgPack
{
    readonly ArrayBufferWriter<byte> _out = new(1024);

    public ReadOnlySpan<byte> Written => _out.WrittenSpan;

    public void Clear() => _out.Clear();

    public void Raw(ReadOnlySpan<byte> bytes) => _out.Write(bytes);

    public void Nil() => _out.Write<byte>([0xC0]);

    public void Array(int count) => Head(count, 0x90, 0xDD);

    public void Map(int count) => Head(count, 0x80, 0xDF);

    /// <summary>A text of up to 31 bytes.</summary>
    public void Name(string text)
    {
        _out.Write([(byte)(0xA0 | text.Length)]);
        Encoding.ASCII.GetBytes(text, _out);
    }

    public void Binary(ReadOnlySpan<byte> bytes)
    {
        Span<byte> head = [0xC6, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(head[1..], bytes.Length);
        _out.Write(head);
        _out.Write(bytes);
    }

    public void Numbers(ReadOnlySpan<ulong> values)
    {
        Array(values.Length);
        foreach (var value in values)
        {
            Number(value);
        }
    }

    public void Number(double value)
    {
        Span<byte> bytes = stackalloc byte[9];
        bytes[0] = 0xCB;
        BinaryPrimitives.WriteDoubleBigEndian(bytes[1..], value);
        _out.Write(bytes);
    }

    public void Number(ulong value)
    {
        Span<byte> bytes = stackalloc byte[9];
        BinaryPrimitives.WriteUInt64BigEndian(bytes[1..], value);
        var (tag, length) = value switch
        {
            < 0x80 => (0, 0),
            <= 0xFF => (0xCC, 1),
            <= 0xFFFF => (0xCD, 2),
            <= 0xFFFF_FFFF => (0xCE, 4),
            _ => (0xCF, 8),
        };
        if (length == 0)
        {
            _out.Write([(byte)value]);
            return;
        }
        bytes[8 - length] = (byte)tag;
        _out.Write(bytes[(8 - length)..]);
    }

    void Head(int count, byte small, byte large)
    {
        Span<byte> head = [large, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(head[1..], count);
        _out.Write(count < 16 ? [(byte)(small | count)] : head);
    }
}
