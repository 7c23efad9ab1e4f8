using System.Globalization;

namespace Epp.Native.Requests;

/// <summary>Numbers as JSON writes them.</summary>
internal static class JsonNumber
{
    /// <summary>A token id: 0 … 2³² − 1. With <paramref name="allowReal"/> also written as <c>1e3</c> or <c>7.0</c>, as Go's float64 reads it.</summary>
    public static bool TryUInt32(ReadOnlySpan<byte> text, bool allowReal, out uint value)
    {
        ulong sum = 0;
        if (text.Length <= 10)
        {
            var i = 0;
            for (; i < text.Length && text[i] is >= (byte)'0' and <= (byte)'9'; i++)
            {
                sum = (sum * 10) + (uint)(text[i] - '0');
            }

            if (i == text.Length)
            {
                value = (uint)sum;
                return sum <= uint.MaxValue;
            }
        }

        value = 0;
        if (!allowReal || !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real)
            || !(real >= 0 && real <= uint.MaxValue) || real != Math.Truncate(real))
        {
            return false;
        }

        value = (uint)real;
        return true;
    }
}
