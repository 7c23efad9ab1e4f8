namespace Epp.Native.FlowControl;

/// <summary>Says up to which saturation each band is served (plugins §12.2). Used by one <see cref="FlowController"/>.</summary>
public interface IUsageLimitPolicy
{
    /// <summary>Writes the ceiling of each band; a band waits while the saturation is at or above its ceiling.</summary>
    /// <param name="saturation">Of the pool.</param>
    /// <param name="priorities">Of the bands, highest first.</param>
    /// <param name="ceilings">As long as <paramref name="priorities"/>.</param>
    void Ceilings(double saturation, ReadOnlySpan<int> priorities, Span<double> ceilings);
}

/// <summary><c>static-usage-limit-policy</c>: the same ceiling for all.</summary>
/// <param name="threshold">Default 1.</param>
public sealed class StaticUsageLimit(double threshold = 1) : IUsageLimitPolicy
{
    public const string PluginType = "static-usage-limit-policy";

    public void Ceilings(double saturation, ReadOnlySpan<int> priorities, Span<double> ceilings) => ceilings.Fill(threshold);
}

/// <summary>
/// <c>priority-holdback-policy</c>: ceilings fall linearly from the highest band to the lowest, by rank (max − i · (max − min)/(N − 1)) or
/// by the value of the priority (min + (p − lowest)/(highest − lowest) · (max − min)); one band alone has max.
/// </summary>
/// <param name="minCeiling">Of the lowest band, 0 … below 1.</param>
/// <param name="maxCeiling">Of the highest.</param>
/// <param name="byValue">By the value, not the rank.</param>
public sealed class PriorityHoldback(double minCeiling, double maxCeiling, bool byValue) : IUsageLimitPolicy
{
    public const string PluginType = "priority-holdback-policy";

    public void Ceilings(double saturation, ReadOnlySpan<int> priorities, Span<double> ceilings)
    {
        var last = priorities.Length - 1;
        for (var i = 0; i <= last; i++)
        {
            if (last == 0)
            {
                ceilings[i] = maxCeiling;
            }
            else
            {
                var share = byValue
                    ? ((double)priorities[i] - priorities[last]) / ((double)priorities[0] - priorities[last])
                    : (double)(last - i) / last;
                ceilings[i] = minCeiling + (share * (maxCeiling - minCeiling));
            }
        }
    }
}

/// <summary>
/// <c>soft-reflective-ceiling-policy</c>: the first band is served up to 1, band i while s &lt; 1 − i · s/(N − 1); above that it is open
/// one cycle out of each period of max(1, round(s/(1 − s))) cycles, and shut from s = 1.
/// </summary>
public sealed class SoftReflectiveCeiling : IUsageLimitPolicy
{
    public const string PluginType = "soft-reflective-ceiling-policy";

    private long _tick;

    public void Ceilings(double saturation, ReadOnlySpan<int> priorities, Span<double> ceilings)
    {
        _tick++;
        var last = Math.Max(1, priorities.Length - 1);
        for (var i = 0; i < priorities.Length; i++)
        {
            ceilings[i] = i == 0 ? 1 : Open(saturation, 1 - (i * saturation / last));
        }
    }

    private double Open(double saturation, double ceiling)
    {
        if (saturation < ceiling)
        {
            return 1;
        }

        if (saturation >= 1)
        {
            return 0;
        }

        var period = Math.Max(1, (long)Math.Round(saturation / (1 - saturation + 1e-9), MidpointRounding.AwayFromZero));
        return _tick % period == 0 ? 1 : 0;
    }
}
