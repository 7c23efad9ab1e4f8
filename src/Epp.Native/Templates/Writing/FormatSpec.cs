using System.Text;

namespace Epp.Native.Templates.Writing;

/// <summary>A format specification: of <c>%</c> and of <c>str.format</c>.</summary>
internal struct FormatSpec
{
    /// <summary>Widest field and most digits.</summary>
    public const int MaxWidth = 100_000, MaxPrecision = 1000;

    public Rune Fill = new(' ');
    public byte Align;
    public byte Sign;
    public bool IsAlternate;
    public bool HasZero;
    public int Width;
    public byte Grouping;
    public int Precision = -1;
    public byte Type;

    public FormatSpec()
    {
    }

    /// <summary>Reads <c>[[fill]align][sign][z][#][0][width][grouping][.precision][type]</c>; false where it is not one.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out FormatSpec spec)
    {
        spec = new FormatSpec();
        if (!text.IsEmpty)
        {
            var first = Utf8Text.First(text, out var length);
            if (text.Length > length && IsAlign(text[length]))
            {
                spec.Fill = first;
                spec.Align = text[length];
                text = text[(length + 1)..];
            }
            else if (IsAlign(text[0]))
            {
                spec.Align = text[0];
                text = text[1..];
            }
        }

        if (!text.IsEmpty && text[0] is (byte)'+' or (byte)'-' or (byte)' ')
        {
            spec.Sign = text[0];
            text = text[1..];
        }

        spec.IsAlternate = TakeByte(ref text, (byte)'#');
        spec.HasZero = TakeByte(ref text, (byte)'0');
        if (spec.HasZero && spec.Align == 0)
        {
            spec.Fill = new Rune('0');
            spec.Align = (byte)'=';
        }

        if (!TryNumber(ref text, MaxWidth, out spec.Width))
        {
            return false;
        }

        if (!text.IsEmpty && text[0] is (byte)',' or (byte)'_')
        {
            spec.Grouping = text[0];
            text = text[1..];
        }

        if (TakeByte(ref text, (byte)'.') && (text.IsEmpty || text[0] is < (byte)'0' or > (byte)'9'
            || !TryNumber(ref text, MaxPrecision, out spec.Precision)))
        {
            return false;
        }

        spec.Type = text.IsEmpty ? (byte)0 : text[0];
        return text.Length <= 1;
    }

    public static bool TryNumber(ref ReadOnlySpan<byte> text, int max, out int value)
    {
        value = 0;
        while (!text.IsEmpty && text[0] is >= (byte)'0' and <= (byte)'9')
        {
            value = value * 10 + text[0] - '0';
            if (value > max)
            {
                return false;
            }

            text = text[1..];
        }

        return true;
    }

    private static bool TakeByte(ref ReadOnlySpan<byte> text, byte c)
    {
        var found = !text.IsEmpty && text[0] == c;
        text = found ? text[1..] : text;
        return found;
    }

    private static bool IsAlign(byte c) => c is (byte)'<' or (byte)'>' or (byte)'=' or (byte)'^';
}
