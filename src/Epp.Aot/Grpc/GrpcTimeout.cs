namespace Epp.Aot.Grpc;

/// <summary>The <c>grpc-timeout</c> header: up to 8 digits and a unit of <c>H M S m u n</c>.</summary>
public static class GrpcTimeout
{
    /// <summary>The longest a timer can wait; longer deadlines are as good as none.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(40);

    public static bool TryParse(ReadOnlySpan<char> value, out TimeSpan timeout)
    {
        timeout = default;
        if (value.Length is < 2 or > 9)
        {
            return false;
        }

        long amount = 0;
        foreach (var c in value[..^1])
        {
            if (!char.IsAsciiDigit(c))
            {
                return false;
            }

            amount = (amount * 10) + (c - '0');
        }

        var seconds = value[^1] switch
        {
            'H' => amount * 3600.0,
            'M' => amount * 60.0,
            'S' => amount,
            'm' => amount / 1e3,
            'u' => amount / 1e6,
            'n' => amount / 1e9,
            _ => -1,
        };
        if (seconds < 0)
        {
            return false;
        }

        timeout = seconds > Longest.TotalSeconds ? Longest : TimeSpan.FromSeconds(seconds);
        return true;
    }
}
