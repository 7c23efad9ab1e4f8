using Epp.Native.Memory;

namespace Epp.Native.Requests;

/// <summary>Bodies of the responses API.</summary>
public static partial class ApproxPrefixHasher
{
    private static void Responses(RequestScanner scan, BodyBuffer body, ref BlockChain chain)
    {
        chain.Write("["u8);
        if (scan.Instructions.Kind is not (JsonKind.None or JsonKind.Null))
        {
            chain.Write("{\"instructions\":"u8);
            Json(body, scan.Instructions, ref chain);
            chain.Write("},"u8);
        }

        if (scan.Tools.Kind is not (JsonKind.None or JsonKind.Null))
        {
            chain.Write("{\"tools\":"u8);
            Json(body, scan.Tools, ref chain);
            chain.Write("},"u8);
        }

        chain.Write("{\"input\":"u8);
        Json(body, scan.Input, ref chain);
        chain.Write("}]"u8);
    }

    /// <summary>Conversation items keep three fields, in this order, empty ones left out.</summary>
    private static void Items(BodyBuffer body, JsonField items, ref BlockChain chain)
    {
        var reader = new BodyReader(body, items);
        reader.Read();
        chain.Write("["u8);
        for (var i = 0; !chain.IsFull && reader.NextElement(); i++)
        {
            chain.Write(i == 0 ? "{"u8 : ",{"u8);
            JsonField type = default, role = default, content = default;
            if (reader.Peek() == '{')
            {
                reader.Read();
                while (reader.NextMember(out var key))
                {
                    ref var place = ref key.SequenceEqual("type"u8) ? ref type : ref role;
                    if (key.SequenceEqual("type"u8) || key.SequenceEqual("role"u8))
                    {
                        KeepUnlessNull(ref place, reader.ReadField());
                    }
                    else if (key.SequenceEqual("content"u8))
                    {
                        content = reader.ReadField();
                    }
                    else
                    {
                        reader.SkipValue();
                    }
                }
            }
            else
            {
                reader.SkipValue();
            }

            var isFirst = true;
            Member(body, "\"type\":"u8, type, ref isFirst, ref chain);
            Member(body, "\"role\":"u8, role, ref isFirst, ref chain);
            Member(body, "\"content\":"u8, content.Kind == JsonKind.Null ? default : content, ref isFirst, ref chain);
            chain.Write("}"u8);
        }

        chain.Write("]"u8);
    }

    /// <summary>Writes a member unless it is missing; for <c>omitempty</c> strings the caller keeps only those that are not empty.</summary>
    private static void Member(BodyBuffer body, ReadOnlySpan<byte> name, JsonField field, ref bool isFirst, ref BlockChain chain)
    {
        if (field.Kind == JsonKind.None)
        {
            return;
        }

        if (!isFirst)
        {
            chain.Write(","u8);
        }

        isFirst = false;
        chain.Write(name);
        Json(body, field, ref chain);
    }

    /// <summary>Null leaves a Go string as it was; an empty string counts as missing.</summary>
    private static void KeepUnlessNull(ref JsonField place, JsonField field)
    {
        if (field.Kind != JsonKind.Null)
        {
            place = IsEmptyText(field) ? default : field;
        }
    }

    private static bool IsEmptyText(JsonField field) => field.Kind == JsonKind.Text && field.Length <= 2;
}
