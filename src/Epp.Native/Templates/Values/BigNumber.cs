using System.Globalization;
using System.Numerics;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Values;

/// <summary>Integers beyond 64 bits, with bounds on their size.</summary>
internal static class BigNumber
{
    /// <summary>Bits of the largest integer an operation may make; Python prints none beyond 4,300 digits (14,285 bits).</summary>
    public const int MaxBits = 16384;

    public static BigInteger Parse(ReadOnlySpan<byte> digits)
    {
        Span<char> text = stackalloc char[64];
        if (digits.Length <= text.Length)
        {
            for (var i = 0; i < digits.Length; i++)
            {
                text[i] = (char)digits[i];
            }

            return BigInteger.Parse(text[..digits.Length], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        }

        return BigInteger.Parse(System.Text.Encoding.ASCII.GetString(digits), CultureInfo.InvariantCulture);
    }

    public static bool Fits(BigInteger value) => value.GetBitLength() <= MaxBits;

    public static void Write(TextBuffer output, in Value value)
    {
        if (value.Ref is byte[])
        {
            output.Write(value.Span);
            return;
        }

        Write(output, value.Integer);
    }

    public static void Write(TextBuffer output, BigInteger value)
    {
        foreach (var c in value.ToString(CultureInfo.InvariantCulture))
        {
            output.WriteByte((byte)c);
        }
    }
}
