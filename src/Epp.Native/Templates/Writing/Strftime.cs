using System.Globalization;

namespace Epp.Native.Templates.Writing;

/// <summary><c>strftime</c> as glibc does it in the C locale, in UTC.</summary>
internal static class Strftime
{
    private static readonly string[] Days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    private static readonly string[] Months =
    [
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ];

    public static void Write(TextBuffer output, ReadOnlySpan<byte> format, long unixSeconds)
    {
        var time = DateTime.UnixEpoch.AddSeconds(Math.Clamp(unixSeconds, 0, 253_402_300_799));
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                output.WriteByte(format[i]);
                continue;
            }

            // glibc: - no padding, _ blanks, 0 zeros, ^ upper case.
            i++;
            var flag = format[i] is (byte)'-' or (byte)'_' or (byte)'0' or (byte)'^' && i + 1 < format.Length ? format[i++] : (byte)0;
            if (!TryDirective(output, format[i], flag, time, unixSeconds))
            {
                output.WriteByte((byte)'%');
                if (flag != 0)
                {
                    output.WriteByte(flag);
                }

                output.WriteByte(format[i]);
            }
        }
    }

    private static bool TryDirective(TextBuffer output, byte directive, byte flag, DateTime time, long unixSeconds)
    {
        switch ((char)directive)
        {
            case 'a' or 'A':
                Name(output, Days[(int)time.DayOfWeek], directive == 'a', flag);
                return true;
            case 'b' or 'B' or 'h':
                Name(output, Months[time.Month - 1], directive != 'B', flag);
                return true;
            case 'p':
                Name(output, time.Hour < 12 ? "AM" : "PM", isShort: false, flag);
                return true;
            case 'P':
                output.Write(time.Hour < 12 ? "am"u8 : "pm"u8);
                return true;
            case 'c':
                Write(output, "%a %b %e %H:%M:%S %Y"u8, unixSeconds);
                return true;
            case 'x' or 'D':
                Write(output, "%m/%d/%y"u8, unixSeconds);
                return true;
            case 'X' or 'T':
                Write(output, "%H:%M:%S"u8, unixSeconds);
                return true;
            case 'F':
                Write(output, "%Y-%m-%d"u8, unixSeconds);
                return true;
            case 'R':
                Write(output, "%H:%M"u8, unixSeconds);
                return true;
            case 'r':
                Write(output, "%I:%M:%S %p"u8, unixSeconds);
                return true;
            case 'z' or 'Z':
                // datetime.now() carries no zone.
                return true;
            case 'n' or 't' or '%':
                output.WriteByte(directive switch { (byte)'n' => (byte)'\n', (byte)'t' => (byte)'\t', _ => (byte)'%' });
                return true;
            default:
                return TryNumber(output, directive, flag, time, unixSeconds);
        }
    }

    private static bool TryNumber(TextBuffer output, byte directive, byte flag, DateTime time, long unixSeconds)
    {
        var (value, width) = (char)directive switch
        {
            'Y' => (time.Year, 1),
            'C' => (time.Year / 100, 2),
            'y' => (time.Year % 100, 2),
            'G' => (ISOWeek.GetYear(time), 1),
            'g' => (ISOWeek.GetYear(time) % 100, 2),
            'm' => (time.Month, 2),
            'd' or 'e' => (time.Day, 2),
            'H' or 'k' => (time.Hour, 2),
            'I' or 'l' => ((time.Hour + 11) % 12 + 1, 2),
            'M' => (time.Minute, 2),
            'S' => (time.Second, 2),
            'f' => (0, 6),
            'j' => (time.DayOfYear, 3),
            'U' => ((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7, 2),
            'W' => ((time.DayOfYear + 6 - ((int)time.DayOfWeek + 6) % 7) / 7, 2),
            'V' => (ISOWeek.GetWeekOfYear(time), 2),
            'u' => (((int)time.DayOfWeek + 6) % 7 + 1, 1),
            'w' => ((int)time.DayOfWeek, 1),
            's' => (-1, 1),
            _ => (-2, 0),
        };
        if (value == -2)
        {
            return false;
        }

        if (value == -1)
        {
            output.WriteInt(unixSeconds);
            return true;
        }

        var digits = value >= 100000 ? 6 : value >= 1000 ? 4 : value >= 100 ? 3 : value >= 10 ? 2 : 1;
        var isBlank = flag == '_' || (flag == 0 && directive is (byte)'e' or (byte)'k' or (byte)'l');
        output.Repeat(isBlank ? (byte)' ' : (byte)'0', flag == '-' ? 0 : width - digits);
        output.WriteInt(value);
        return true;
    }

    private static void Name(TextBuffer output, string name, bool isShort, byte flag)
    {
        foreach (var c in isShort ? name.AsSpan(0, 3) : name)
        {
            output.WriteByte((byte)(flag == '^' ? char.ToUpperInvariant(c) : c));
        }
    }
}
