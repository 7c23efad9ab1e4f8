using System.Diagnostics;
using System.Globalization;
using Epp.Lab.Workers.Events;

namespace Epp.Lab.Demo;

/// <summary>Reads from an EPP's metrics how many of the published events its index has taken.</summary>
internal sealed class EventWait(EppProcess epp) : IDisposable
{
    static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    readonly HttpClient _client = new() { Timeout = Limit };
    readonly Uri _metrics = new($"http://127.0.0.1:{epp.MetricsPort}/metrics");

    /// <summary>Returns when the index has taken all of <paramref name="published"/>; fails after 10 s, or when it took more.</summary>
    public async Task UntilTakenAsync(EventTotals published, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var taken = await ReadAsync(cancel).ConfigureAwait(false);
            if (taken == published)
            {
                return;
            }
            if (Stopwatch.GetElapsedTime(started) > Limit)
            {
                throw new UsageException($"the EPP's index has taken {taken} after {Limit.TotalSeconds:0} s, the workers published {published}");
            }
        }
    }

    /// <summary>Returns when the EPP has so many connections to brokers, over which nothing is repeated, and its subscriptions have had time to arrive.</summary>
    public async Task UntilConnectedAsync(int connections, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        while (Value(await TextAsync(cancel).ConfigureAwait(false), "epp_kv_connected") < connections)
        {
            if (Stopwatch.GetElapsedTime(started) > Limit)
            {
                throw new UsageException($"the EPP has not connected to the broker within {Limit.TotalSeconds:0} s: {epp.Describe()}");
            }
            await Task.Delay(20, cancel).ConfigureAwait(false);
        }
        await Task.Delay(connections * 200, cancel).ConfigureAwait(false);
    }

    /// <summary>Prompts whose beginning the EPP had kept, and how often it had kept the hashes of its blocks too.</summary>
    public async Task<(long Prompts, long Hashes)> KeptAsync(CancellationToken cancel)
    {
        var text = await TextAsync(cancel).ConfigureAwait(false);
        return (Value(text, "epp_tokens_prefix_cache_hits_total"), Value(text, "epp_tokens_prefix_cache_hash_hits_total"));
    }

    async Task<EventTotals> ReadAsync(CancellationToken cancel)
    {
        var text = await TextAsync(cancel).ConfigureAwait(false);
        return new EventTotals(Value(text, "epp_kv_stored_blocks_total"), Value(text, "epp_kv_removed_blocks_total"), Value(text, "epp_kv_cleared_total"));
    }

    async Task<string> TextAsync(CancellationToken cancel)
    {
        try
        {
            return await _client.GetStringAsync(_metrics, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw new UsageException($"the EPP's metrics cannot be read: {e}\nThe EPP: {epp.Describe()}");
        }
    }

    static long Value(string text, string name)
    {
        var at = text.IndexOf($"\n{name}{{", StringComparison.Ordinal);
        at = at < 0 ? text.IndexOf($"\n{name} ", StringComparison.Ordinal) : at;
        if (at < 0)
        {
            return 0;
        }
        var end = text.IndexOf('\n', at + 1);
        var line = text[(at + 1)..(end < 0 ? text.Length : end)];
        return (long)double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }

    public void Dispose() => _client.Dispose();
}
