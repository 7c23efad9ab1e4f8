namespace Epp.Aot.Telemetry;

/// <summary>What one source of KV events did so far, and how large its index is.</summary>
/// <param name="Messages">Messages received.</param>
/// <param name="Stored">Blocks stored.</param>
/// <param name="Removed">Copies of blocks removed.</param>
/// <param name="Cleared">Caches emptied.</param>
/// <param name="Unreadable">Messages and events that could not be read.</param>
/// <param name="UnknownParents">Chains left out for want of the block before them.</param>
/// <param name="Gaps">Times that messages were missing.</param>
/// <param name="Repairs">Gaps repaired.</param>
/// <param name="FailedRepairs">Gaps that could not be; the blocks of that rank were dropped.</param>
/// <param name="Dropped">Messages left out at a bound.</param>
/// <param name="Connected">Open connections.</param>
/// <param name="IsStale">Picks go by what was sent lately.</param>
/// <param name="Blocks">Distinct blocks held.</param>
/// <param name="HolderBlocks">Blocks summed over their holders.</param>
/// <param name="Bytes">Memory of the index.</param>
/// <param name="BudgetBytes">Most of it.</param>
/// <param name="Evicted">Blocks that went because the budget was reached.</param>
public readonly record struct KvSourceFigures(
    long Messages,
    long Stored,
    long Removed,
    long Cleared,
    long Unreadable,
    long UnknownParents,
    long Gaps,
    long Repairs,
    long FailedRepairs,
    long Dropped,
    long Connected,
    bool IsStale,
    long Blocks,
    long HolderBlocks,
    long Bytes,
    long BudgetBytes,
    long Evicted);

/// <summary>What became of requests that needed token ids.</summary>
/// <param name="Exact">Tokenized, or rendered by an engine.</param>
/// <param name="Unknown">Matched by their bytes instead.</param>
/// <param name="Models">Models loaded.</param>
/// <param name="Compared">Prompts compared with the engine's ids.</param>
/// <param name="Differed">Those that differed.</param>
/// <param name="TrafficEqual">Requests whose ids were those that their engine stored.</param>
/// <param name="TrafficDifferent">Requests whose ids were not.</param>
/// <param name="Prefixes">Beginnings of prompts that are kept.</param>
public readonly record struct TokenFigures(
    long Exact,
    long Unknown,
    long Models,
    long Compared,
    long Differed,
    long TrafficEqual,
    long TrafficDifferent,
    PrefixFigures Prefixes);

/// <summary>What the beginnings of prompts, kept with their ids and hashes, were good for.</summary>
/// <param name="Hits">Prompts whose beginning was found.</param>
/// <param name="HashHits">Times that the hashes of its blocks were found too.</param>
/// <param name="Bytes">Memory in use.</param>
public readonly record struct PrefixFigures(long Hits, long HashHits, long Bytes);

/// <summary>Sources of KV events; empty where no plugin wants any.</summary>
public sealed partial class EppMetrics
{
    private static readonly string[] KvLabels = ["name"];
    private (string Name, Func<KvSourceFigures> Read)[] _kvSources = [];
    private Func<TokenFigures>? _tokens;

    /// <summary>Adds a source. At start.</summary>
    public void AddKvSource(string name, Func<KvSourceFigures> read)
    {
        lock (_gate)
        {
            Volatile.Write(ref _kvSources, [.. _kvSources, (name, read)]);
        }
    }

    /// <summary>Names what knows token ids. At start.</summary>
    public void AddTokenSource(Func<TokenFigures> read) => Volatile.Write(ref _tokens, read);

    private IEnumerable<MetricFamily> KvFamilies() =>
    [
        OfTokens("exact_total", MetricKind.Counter, "Requests whose token ids are known exactly.", static f => f.Exact),
        OfTokens("unknown_total", MetricKind.Counter, "Requests without exact token ids; they are matched by their bytes.", static f => f.Unknown),
        OfTokens("models_loaded", MetricKind.Gauge, "Models that are tokenized in this process.", static f => f.Models),
        OfTokens("parity_prompts_total", MetricKind.Counter, "Prompts whose ids were compared with the engine's.", static f => f.Compared),
        OfTokens("parity_failures_total", MetricKind.Counter, "Prompts whose ids were not the engine's; exact matching is off for that model.", static f => f.Differed),
        OfTokens("traffic_equal_total", MetricKind.Counter, "Requests whose ids were those that their engine stored, of the few that are compared.", static f => f.TrafficEqual),
        OfTokens("traffic_different_total", MetricKind.Counter, "Requests whose ids were not those that their engine stored; three in a row turn exact matching off for that model.", static f => f.TrafficDifferent),
        OfTokens("prefix_cache_hits_total", MetricKind.Counter, "Prompts whose beginning was kept with its ids (prefixCacheBytes); the rest was tokenized.", static f => f.Prefixes.Hits),
        OfTokens("prefix_cache_hash_hits_total", MetricKind.Counter, "Times that the block hashes of a kept beginning were known too.", static f => f.Prefixes.HashHits),
        OfTokens("prefix_cache_bytes", MetricKind.Gauge, "Memory of the kept beginnings, their ids and block hashes.", static f => f.Prefixes.Bytes),
        Kv("messages_total", MetricKind.Counter, "Messages with KV events received.", static f => f.Messages),
        Kv("stored_blocks_total", MetricKind.Counter, "Blocks stored by KV events.", static f => f.Stored),
        Kv("removed_blocks_total", MetricKind.Counter, "Copies of blocks removed by KV events.", static f => f.Removed),
        Kv("cleared_total", MetricKind.Counter, "Caches emptied by KV events.", static f => f.Cleared),
        Kv("unreadable_total", MetricKind.Counter, "Messages and events that could not be read.", static f => f.Unreadable),
        Kv("unknown_parent_total", MetricKind.Counter, "Stored chains left out because the block before them is not known.", static f => f.UnknownParents),
        Kv("gaps_total", MetricKind.Counter, "Times that KV events were missing.", static f => f.Gaps),
        Kv("repairs_total", MetricKind.Counter, "Gaps repaired by replay or recovery.", static f => f.Repairs),
        Kv("failed_repairs_total", MetricKind.Counter, "Gaps that could not be repaired; the blocks of that rank were dropped.", static f => f.FailedRepairs),
        Kv("dropped_total", MetricKind.Counter, "Messages left out at a bound, or of a publisher nobody knows.", static f => f.Dropped),
        Kv("connected", MetricKind.Gauge, "Open connections to engines or brokers.", static f => f.Connected),
        Kv("stale", MetricKind.Gauge, "1 while no source is connected for too long and picks go by what was sent lately.", static f => f.IsStale ? 1 : 0),
        Kv("index_blocks", MetricKind.Gauge, "Distinct prefix blocks that some engine holds.", static f => f.Blocks),
        Kv("index_holder_blocks", MetricKind.Gauge, "Prefix blocks summed over the ranks and tiers that hold them.", static f => f.HolderBlocks),
        Kv("index_bytes", MetricKind.Gauge, "Memory of the index; divide by index_blocks or index_holder_blocks for bytes a block.", static f => f.Bytes),
        Kv("index_budget_bytes", MetricKind.Gauge, "Most memory of the index.", static f => f.BudgetBytes),
        Kv("index_evicted_blocks_total", MetricKind.Counter, "Blocks that went because the memory budget was reached.", static f => f.Evicted),
    ];

    private MetricFamily OfTokens(string name, MetricKind kind, string help, Func<TokenFigures, double> value) =>
        new("epp_tokens_" + name, kind, help, [], s =>
        {
            if (Volatile.Read(ref _tokens) is { } read)
            {
                s.Add(value(read()));
            }
        });

    private MetricFamily Kv(string name, MetricKind kind, string help, Func<KvSourceFigures, double> value) =>
        new("epp_kv_" + name, kind, help, KvLabels, s =>
        {
            foreach (var (source, read) in Volatile.Read(ref _kvSources))
            {
                s.Add(value(read()), source);
            }
        });
}
