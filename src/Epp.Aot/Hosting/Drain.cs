using System.Diagnostics;

namespace Epp.Aot.Hosting;

/// <summary>The time between SIGTERM and the closing of the listeners (contract §4.9).</summary>
internal static class Drain
{
    /// <summary>
    /// How long nothing may be open before the drain ends early. Gateways learn from health checks and endpoint lists that this replica
    /// leaves; until they have, they open new streams, which are served.
    /// </summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    /// <summary>Returns when no stream was open for <see cref="Quiet"/>, or after the time limit; gives back what is left of that.</summary>
    /// <param name="open">Streams open now.</param>
    /// <param name="limit">Flag <c>drain-timeout</c>.</param>
    public static async Task<TimeSpan> WaitAsync(Func<long> open, TimeSpan limit)
    {
        var since = Stopwatch.GetTimestamp();
        var quietSince = since;
        while (true)
        {
            if (open() > 0)
            {
                quietSince = Stopwatch.GetTimestamp();
            }

            var left = limit - Stopwatch.GetElapsedTime(since);
            if (left <= TimeSpan.Zero || Stopwatch.GetElapsedTime(quietSince) >= Quiet)
            {
                return left > TimeSpan.Zero ? left : TimeSpan.Zero;
            }

            await Task.Delay(left < Step ? left : Step);
        }
    }
}
