using System.Globalization;
using System.Text;
using Epp.Native.Wire;

namespace Epp.Native.KvEvents.Dynamo;

/// <summary>One member out of a small JSON answer: headers of Dynamo's request plane, answers of JetStream.</summary>
public static class JsonMember
{
    /// <summary>A text or a whole number as text, by the names on the way to it; null where it is missing or of another kind.</summary>
    public static string? Find(ReadOnlySpan<byte> json, params ReadOnlySpan<string> path)
    {
        if (json.IsEmpty || json[0] != (byte)'{' || !new JsonToMsgPack().TryConvert(json, out var bytes))
        {
            return null;
        }

        var reader = new MsgPackReader(bytes);
        foreach (var name in path)
        {
            if (!TryEnter(ref reader, name))
            {
                return null;
            }
        }

        return reader.TryReadText(out var text) ? Encoding.UTF8.GetString(text)
            : reader.TryReadUInt64(out var number) ? number.ToString(CultureInfo.InvariantCulture)
            : null;
    }

    private static bool TryEnter(ref MsgPackReader reader, string name)
    {
        Span<byte> utf8 = stackalloc byte[64];
        var wanted = utf8[..Encoding.UTF8.GetBytes(name, utf8)];
        if (!reader.TryReadMap(out var count))
        {
            return false;
        }

        for (; count > 0 && reader.TryReadText(out var key); count--)
        {
            if (key.SequenceEqual(wanted))
            {
                return true;
            }

            reader.Skip();
        }

        return false;
    }
}
