using System.Globalization;
using System.Text;
using System.Text.Json;
using Epp.Aot.Cli;
using Epp.Aot.Configuration;
using Epp.Aot.Telemetry;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Scheduling;

namespace Epp.Aot.Debugging;

/// <summary>
/// Writes the documents of the debug pages when they are read, of the configuration and scheduler in force then. By hand: documents for a
/// serializer cost half a megabyte of the binary. Thread-safe.
/// </summary>
internal sealed class DebugReport(
    DebugProcess process, FlagSet flags, Func<EppConfig> configuration, Func<Scheduler> scheduling, Pool pool, PickRing picks, TimeProvider time)
{
    private static readonly string[] SecretNames = ["password", "passwd", "secret", "token", "credential", "apikey", "api_key", "authorization"];

    private readonly long _started = time.GetTimestamp();

    /// <summary><c>/debug</c>: what there is to see.</summary>
    public void Index(Utf8JsonWriter json, IReadOnlyDictionary<string, string> pages)
    {
        json.WriteString("version", process.Version);
        json.WriteString("instructionSet", process.InstructionSet);
        json.WriteString("timestamp", Now());
        json.WriteNumber("uptimeSeconds", time.GetElapsedTime(_started).TotalSeconds);
        json.WriteStartObject("pages");
        foreach (var (path, what) in pages)
        {
            json.WriteString(path, what);
        }

        json.WriteEndObject();
    }

    /// <summary><c>/debug/picks</c>, newest first.</summary>
    public void Picks(Utf8JsonWriter json)
    {
        json.WriteNumber("total", picks.Count);
        json.WriteStartArray("picks");
        foreach (var pick in picks.Read())
        {
            json.WriteStartObject();
            json.WriteNumber("number", pick.Number);
            json.WriteString("time", Text(pick.Time));
            json.WriteString("requestId", pick.RequestId);
            json.WriteString("model", pick.Model);
            json.WriteString("endpointName", pick.EndpointName);
            json.WriteString("endpoint", pick.Endpoint);
            json.WriteNumber("picked", pick.Picked);
            json.WriteNumber("candidates", pick.Candidates);
            json.WriteStartObject("scores");
            for (var i = 0; i < pick.ScoredEndpoints.Length; i++)
            {
                Number(json, pick.ScoredEndpoints[i], pick.Scores[i]);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary><c>/debug/pool</c>: each endpoint and its last figures; one that was not reported is left out.</summary>
    public void Pool(Utf8JsonWriter json)
    {
        var snapshot = pool.Current;
        var now = EppMetrics.MonotonicMs(time);
        json.WriteString("name", process.PoolName);
        json.WriteBoolean("synced", pool.HasSynced);
        json.WriteNumber("generation", snapshot.Generation);
        json.WriteNumber("count", snapshot.Count);
        json.WriteStartArray("endpoints");
        foreach (var i in snapshot.Indexes)
        {
            json.WriteStartObject();
            Endpoint(json, snapshot[i], snapshot.Columns, i, now);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary><c>/debug/config</c>: what is in force, without secrets.</summary>
    public void Configuration(Utf8JsonWriter json)
    {
        var config = configuration();
        json.WriteString("dialect", config.Dialect.ToString());
        json.WriteStartObject("flags");
        foreach (var flag in EppFlags.All)
        {
            json.WriteString(flag.Name, Value(flag.Name));
        }

        json.WriteEndObject();
        json.WriteStartArray("flagsGiven");
        foreach (var flag in EppFlags.All)
        {
            if (flags.Has(flag.Name))
            {
                json.WriteStringValue(flag.Name);
            }
        }

        json.WriteEndArray();
        json.WriteStartArray("plugins");
        foreach (var plugin in config.Plugins)
        {
            json.WriteStartObject();
            json.WriteString("name", plugin.Name);
            json.WriteString("type", plugin.Type);
            json.WriteString("kind", plugin.Kind.ToString());
            json.WriteString("parameters", Hide(plugin.Parameters.ToString()));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        Profile(json, config.Profile);
        json.WriteString("discovery", config.DataLayer.Discovery?.Name ?? "kubernetes");
    }

    /// <summary><c>/debug/plugins/state</c>, in the references' shape: a state, or a message where a plugin has none.</summary>
    public void States(Utf8JsonWriter json)
    {
        json.WriteString("timestamp", Now());
        json.WriteStartObject("plugins");
        var producers = scheduling().Producers;
        foreach (var plugin in configuration().Plugins)
        {
            IPrefixProducer? producer = null;
            foreach (var candidate in producers)
            {
                producer = candidate.Name == plugin.Name ? candidate : producer;
            }

            if (producer is null)
            {
                StartState(json, plugin.Name, plugin.Type);
                json.WriteString("message", "this plugin keeps no state of its own");
                json.WriteEndObject();
            }
        }

        foreach (var producer in producers)
        {
            StartState(json, producer.Name, producer.Type);
            json.WriteStartObject("state");
            json.WriteNumber("blocks", producer.Blocks);
            if (producer is PrecisePrefixProducer { Source: var source })
            {
                json.WriteNumber("holderBlocks", source.Index.HolderBlocks);
                json.WriteNumber("bytes", source.Index.BytesUsed);
                json.WriteNumber("budgetBytes", source.Index.BudgetBytes);
                json.WriteNumber("evictedBlocks", source.Index.Evicted);
                json.WriteBoolean("stale", source.IsStale);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    /// <summary>Removes what could be a secret: user and password of a URL, and values behind a name that says so.</summary>
    internal static string Hide(string text)
    {
        for (var at = text.IndexOf("://", StringComparison.Ordinal); at >= 0; at = text.IndexOf("://", at + 3, StringComparison.Ordinal))
        {
            var end = text.IndexOfAny(['/', ' ', '"', ',', '@'], at + 3);
            if (end > 0 && text[end] == '@')
            {
                text = string.Concat(text.AsSpan(0, at + 3), "***", text.AsSpan(end));
            }
        }

        foreach (var name in SecretNames)
        {
            for (var at = text.IndexOf(name, StringComparison.OrdinalIgnoreCase); at >= 0; at = text.IndexOf(name, at + name.Length, StringComparison.OrdinalIgnoreCase))
            {
                var value = at + name.Length;
                while (value < text.Length && (char.IsAsciiLetterOrDigit(text[value]) || text[value] is '_' or '"' or ' '))
                {
                    value++;
                }

                if (value < text.Length && text[value] is '=' or ':')
                {
                    var end = text.IndexOfAny([',', ';', '}', '\n'], value);
                    text = string.Concat(text.AsSpan(0, value + 1), " ***", end < 0 ? "" : text.AsSpan(end));
                }
            }
        }

        return text;
    }

    // A configuration given as text is shown by its parts, not twice.
    private string Value(string flag) => flag == "config-text" && flags.Has(flag) ? $"{Encoding.UTF8.GetByteCount(flags.Text(flag))} bytes" : Hide(flags.Text(flag));

    private string Now() => Text(time.GetUtcNow());

    private static string Text(DateTimeOffset time) => time.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    private static void StartState(Utf8JsonWriter json, string name, string type)
    {
        json.WriteStartObject(name);
        json.WriteString("name", name);
        json.WriteString("type", type);
    }

    private static void Profile(Utf8JsonWriter json, ProfileConfig profile)
    {
        json.WriteStartObject("profile");
        json.WriteString("name", profile.Name);
        json.WriteStartArray("filters");
        foreach (var filter in profile.Filters)
        {
            json.WriteStringValue(filter.Name);
        }

        json.WriteEndArray();
        json.WriteStartObject("scorers");
        foreach (var scorer in profile.Scorers)
        {
            json.WriteNumber(scorer.Plugin.Name, scorer.Weight);
        }

        json.WriteEndObject();
        json.WriteString("picker", profile.Picker.Name);
        json.WriteEndObject();
    }

    private static void Endpoint(Utf8JsonWriter json, Endpoint endpoint, EndpointColumns columns, ushort i, long now)
    {
        json.WriteString("namespace", endpoint.Namespace);
        json.WriteString("name", endpoint.Name);
        json.WriteString("address", endpoint.HostPort);
        json.WriteStartObject("labels");
        foreach (var (name, value) in endpoint.Labels)
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
        json.WriteBoolean("live", columns.Live[i]);
        if (columns.UpdatedMs[i] > 0)
        {
            json.WriteNumber("ageSeconds", (now - columns.UpdatedMs[i]) / 1000.0);
        }

        Number(json, "waiting", columns.Waiting[i]);
        Number(json, "running", columns.Running[i]);
        Number(json, "kvUsage", columns.KvUsage[i]);
        json.WriteNumber("inflightRequests", endpoint.InflightRequests);
        json.WriteNumber("cacheBlockTokens", columns.CacheBlockTokens[i]);
        json.WriteNumber("cacheBlocks", columns.CacheBlocks[i]);
        if (columns.Lora[i] is { } lora)
        {
            Names(json, "runningAdapters", lora.Running);
            Names(json, "waitingAdapters", lora.Waiting);
        }
    }

    private static void Number(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumber(name, value);
        }
    }

    private static void Names(Utf8JsonWriter json, string name, byte[][] adapters)
    {
        json.WriteStartArray(name);
        foreach (var adapter in adapters)
        {
            json.WriteStringValue(Encoding.UTF8.GetString(adapter));
        }

        json.WriteEndArray();
    }
}

/// <summary>What does not change while the process runs.</summary>
internal sealed class DebugProcess(string version, string instructionSet, string poolName)
{
    public string Version { get; } = version;

    public string InstructionSet { get; } = instructionSet;

    public string PoolName { get; } = poolName;
}
