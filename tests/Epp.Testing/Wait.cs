using System.Diagnostics;
using System.Runtime.CompilerServices;
using Xunit;

namespace Epp.Testing;

/// <summary>Waiting for a condition with a limit, never for a fixed time.</summary>
public static class Wait
{
    /// <summary>How long anything on one machine may take before a test calls it a failure.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(15);

    /// <summary>Asks until the answer is true; fails with the text of the condition after the limit.</summary>
    public static Task UntilAsync(Func<bool> condition, TimeSpan? limit = null, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        UntilAsync(() => Task.FromResult(condition()), limit, what);

    /// <summary>Asks until the answer is true; fails with the text of the condition after the limit.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition, TimeSpan? limit = null, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > (limit ?? Limit))
            {
                Assert.Fail($"Not true within {(limit ?? Limit).TotalSeconds:0} s: {what}");
            }

            await Task.Delay(10);
        }
    }
}
