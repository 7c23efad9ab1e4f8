using System.Buffers;
using System.Globalization;
using Epp.Native.Memory;
using Epp.Native.Requests;

namespace Epp.Native.Bbr;

/// <summary>
/// Prints a JSON value as Go's <c>fmt.Sprintf("%v", …)</c> prints what <c>encoding/json</c> made of it: numbers as float64, lists as
/// <c>[a b]</c>, maps as <c>map[k:v]</c> with sorted keys, null as <c>&lt;nil&gt;</c>. For values that are no plain text, which routing
/// sees rarely: it may allocate. One use each.
/// </summary>
internal sealed class GoValueText(BodyBuffer body, int maxBytes)
{
    /// <summary>Bytes of JSON that one printed byte can come from: <c>\u0041</c>.</summary>
    private const int MostJsonBytesPerByte = 6;

    private bool _full;

    /// <summary>The text, in its first <see cref="Length"/> bytes.</summary>
    public byte[] Bytes { get; private set; } = new byte[64];

    public int Length { get; private set; }

    /// <summary>Prints the value; false where the text would be longer than the limit. The syntax has been checked.</summary>
    public bool TryWrite(JsonField field)
    {
        if (field.Length > maxBytes * MostJsonBytesPerByte)
        {
            return false;
        }

        var reader = new BodyReader(body, field);
        Value(ref reader);
        return !_full;
    }

    private void Value(ref BodyReader reader)
    {
        switch (reader.SkipBlanks())
        {
            case '"':
                reader.Read();
                while (reader.NextText(out var part))
                {
                    Add(part);
                }

                break;
            case '[':
                List(ref reader);
                break;
            case '{':
                Map(ref reader);
                break;
            default:
                Scalar(reader.ReadField());
                break;
        }
    }

    private void List(ref BodyReader reader)
    {
        reader.Read();
        Add("["u8);
        for (var first = true; reader.NextElement() && !_full; first = false)
        {
            Add(first ? default : " "u8);
            Value(ref reader);
        }

        Add("]"u8);
    }

    private void Map(ref BodyReader reader)
    {
        reader.Read();
        var members = new List<Member>();
        while (reader.SkipBlanks() == '"')
        {
            reader.Read();
            var key = new ArrayBufferWriter<byte>();
            while (reader.NextText(out var part))
            {
                key.Write(part);
            }

            members.Add(new Member(key.WrittenSpan.ToArray(), reader.ReadField()));
        }

        reader.Read();
        Add("map["u8);
        Print(members);
        Add("]"u8);
    }

    // Sorted by key; of equal keys, which stay in their order, the last counts.
    private void Print(List<Member> members)
    {
        members.Sort(static (a, b) => a.Key.AsSpan().SequenceCompareTo(b.Key) is var order && order != 0 ? order : a.Value.Start - b.Value.Start);
        var first = true;
        for (var i = 0; i < members.Count && !_full; i++)
        {
            if (i + 1 < members.Count && members[i].Key.AsSpan().SequenceEqual(members[i + 1].Key))
            {
                continue;
            }

            Add(first ? default : " "u8);
            first = false;
            Add(members[i].Key);
            Add(":"u8);
            var reader = new BodyReader(body, members[i].Value);
            Value(ref reader);
        }
    }

    private void Scalar(JsonField field)
    {
        if (field.Kind == JsonKind.Null)
        {
            Add("<nil>"u8);
            return;
        }

        var text = new byte[field.Length];
        body.CopyTo(field.Start, text);
        if (field.Kind != JsonKind.Number || !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            Add(text);
            return;
        }

        Span<byte> digits = stackalloc byte[40];
        Add(digits[..GoText.Format(number, digits, GoFloat.Verb)]);
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        if (Length + bytes.Length > maxBytes)
        {
            _full = true;
            return;
        }

        if (Length + bytes.Length > Bytes.Length)
        {
            var grown = new byte[Math.Min(maxBytes, Math.Max(Bytes.Length * 2, Length + bytes.Length))];
            Bytes.AsSpan(0, Length).CopyTo(grown);
            Bytes = grown;
        }

        bytes.CopyTo(Bytes.AsSpan(Length));
        Length += bytes.Length;
    }
    private sealed class Member(byte[] key, JsonField value)
    {
        public byte[] Key => key;

        public JsonField Value => value;
    }
}
