using System.Text;
using Epp.Native.Wire;

namespace Epp.Native.KvEvents.Dynamo;

/// <summary>The small JSON headers of Dynamo's request plane.</summary>
public static class DynamoPrologue
{
    /// <summary>A text member; null where it is missing, null or no text.</summary>
    public static string? Member(ReadOnlySpan<byte> json, ReadOnlySpan<byte> name)
    {
        if (json.IsEmpty || json[0] != (byte)'{' || !new JsonToMsgPack().TryConvert(json, out var bytes))
        {
            return null;
        }

        var reader = new MsgPackReader(bytes);
        reader.TryReadMap(out var count);
        for (; count > 0 && reader.TryReadText(out var key); count--)
        {
            if (key.SequenceEqual(name))
            {
                return reader.TryReadText(out var value) ? Encoding.UTF8.GetString(value[..int.Min(value.Length, 1024)]) : null;
            }

            reader.Skip();
        }

        return null;
    }
}
