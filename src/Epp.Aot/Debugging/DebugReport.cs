using System.Text;
using Epp.Aot.Cli;
using Epp.Aot.Configuration;
using Epp.Aot.Telemetry;
using Epp.Native.Pool;
using Epp.Native.Scheduling;

namespace Epp.Aot.Debugging;

/// <summary>Gathers what the debug pages show, when they are read: the configuration and scheduler in force then. Thread-safe.</summary>
internal sealed class DebugReport(
    DebugProcess process, FlagSet flags, Func<EppConfig> configuration, Func<Scheduler> scheduling, Pool pool, PickRing picks, TimeProvider time)
{
    private static readonly string[] SecretNames = ["password", "passwd", "secret", "token", "credential", "apikey", "api_key", "authorization"];

    private readonly long _started = time.GetTimestamp();

    public DebugIndex Index(IReadOnlyDictionary<string, string> pages) =>
        new(process.Version, process.InstructionSet, time.GetUtcNow(), time.GetElapsedTime(_started).TotalSeconds, pages);

    public DebugPicks Picks() => new(picks.Count, picks.Read());

    public DebugPool Pool()
    {
        var snapshot = pool.Current;
        var now = EppMetrics.MonotonicMs(time);
        return new DebugPool(
            process.PoolName, pool.HasSynced, snapshot.Generation, snapshot.Count, [.. snapshot.Indexes.Select(i => Describe(snapshot[i], snapshot.Columns, i, now))]);
    }

    public DebugConfig Configuration()
    {
        var config = configuration();
        return new DebugConfig(
            config.Dialect.ToString(),
            EppFlags.All.ToDictionary(f => f.Name, f => Value(f.Name), StringComparer.Ordinal),
            [.. EppFlags.All.Where(f => flags.Has(f.Name)).Select(f => f.Name)],
            [.. config.Plugins.Select(p => new DebugPlugin(p.Name, p.Type, p.Kind.ToString(), Hide(p.Parameters.ToString())))],
            new DebugProfile(
                config.Profile.Name,
                [.. config.Profile.Filters.Select(f => f.Name)],
                config.Profile.Scorers.ToDictionary(s => s.Plugin.Name, s => s.Weight, StringComparer.Ordinal),
                config.Profile.Picker.Name),
            config.DataLayer.Discovery?.Name,
            [.. config.DataLayer.Sources.Select(s => s.Source.Name)],
            [.. config.Parsers.Select(p => p.Name)]);
    }

    public DebugStates States()
    {
        var states = new Dictionary<string, DebugState>(StringComparer.Ordinal);
        foreach (var plugin in configuration().Plugins)
        {
            states[plugin.Name] = new DebugState(plugin.Name, plugin.Type, Message: "this plugin keeps no state of its own");
        }

        foreach (var producer in scheduling().Producers)
        {
            states[producer.Name] = new DebugState(
                producer.Name, Native.Prefix.ApproxPrefixProducer.PluginType, new Dictionary<string, double> { ["blocks"] = producer.Index.Blocks });
        }

        return new DebugStates(time.GetUtcNow(), states);
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

    // A configuration given as text is shown by its parts below, not twice.
    private string Value(string flag) => flag == "config-text" && flags.Has(flag) ? $"{Encoding.UTF8.GetByteCount(flags.Text(flag))} bytes" : Hide(flags.Text(flag));

    private static DebugEndpoint Describe(Endpoint endpoint, EndpointColumns columns, ushort i, long now) => new(
        endpoint.Namespace,
        endpoint.Name,
        endpoint.HostPort,
        endpoint.Labels,
        columns.Live[i],
        columns.UpdatedMs[i] > 0 ? (now - columns.UpdatedMs[i]) / 1000.0 : null,
        Finite(columns.Waiting[i]) ?? 0,
        Finite(columns.Running[i]) ?? 0,
        Finite(columns.KvUsage[i]),
        endpoint.InflightRequests,
        columns.CacheBlockTokens[i],
        columns.CacheBlocks[i],
        Names(columns.Lora[i]?.Running),
        Names(columns.Lora[i]?.Waiting));

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private static string[] Names(byte[][]? adapters) => [.. (adapters ?? []).Select(Encoding.UTF8.GetString)];
}

/// <summary>What does not change while the process runs.</summary>
internal sealed record DebugProcess(string Version, string InstructionSet, string PoolName);
