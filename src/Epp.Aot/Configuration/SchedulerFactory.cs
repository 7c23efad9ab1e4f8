using Epp.Native;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Scheduling;
using Epp.Native.Scheduling.Filters;
using Epp.Native.Scheduling.Pickers;
using Epp.Native.Scheduling.Saturation;
using Epp.Native.Scheduling.Scorers;

namespace Epp.Aot.Configuration;

/// <summary>What every scheduler of the process is built upon.</summary>
/// <param name="Pool">The pool, for producers that follow its members.</param>
/// <param name="Seed">Seed of all chance; secret where requests come from strangers.</param>
/// <param name="Hashing">Block hashes of a request.</param>
/// <param name="PrefixBudgetBytes">Memory of all prefix indexes together.</param>
/// <param name="KvSources">What engines say, by the name of the producer that reads it.</param>
public sealed record SchedulerContext(
    Pool Pool,
    ulong Seed,
    BlockHashing Hashing,
    long PrefixBudgetBytes = ApproxPrefixIndex.DefaultBudgetBytes,
    IReadOnlyDictionary<string, KvSource>? KvSources = null);

/// <summary>Builds the scheduler a configuration asks for. The one place that maps plugin types to policies.</summary>
public static class SchedulerFactory
{
    /// <param name="config">A checked configuration.</param>
    /// <param name="context">What it is built upon.</param>
    /// <param name="previous">A scheduler this one replaces: prefix producers that did not change are taken over with their history.</param>
    public static Scheduler Create(EppConfig config, SchedulerContext context, Scheduler? previous = null)
    {
        var profile = config.Profile;
        var names = profile.Scorers
            .Select(s => s.Plugin.Parameters)
            .OfType<PrefixScorerParameters>()
            .Select(p => p.Producer)
            .Distinct()
            .ToList();
        var producers = names.Select(name => CreateProducer(name, config, context, names.Count, previous)).ToArray();
        return new Scheduler(
            new Profile(
                profile.Name,
                [.. profile.Filters.Select(CreateFilter)],
                [.. profile.Scorers.ToList().ConvertAll(s => new WeightedScorer(CreateScorer(s.Plugin, names), s.Weight))],
                CreatePicker(profile.Picker)),
            producers,
            context.Seed);
    }

    /// <summary>The saturation detector a configuration asks for.</summary>
    public static ISaturationDetector CreateDetector(EppConfig config) => config.Saturation.Detector switch
    {
        null => new AnyCapacityDetector(config.Saturation.AnyCapacity),
        { Parameters: UtilizationParameters p } plugin => new UtilizationDetector(plugin.Name, p.Thresholds),
        { Parameters: ConcurrencyParameters p } plugin => new ConcurrencyDetector(plugin.Name, p.MaxConcurrency, p.Headroom),
        var plugin => throw Unmapped(plugin),
    };

    private static IPrefixProducer CreateProducer(string name, EppConfig config, SchedulerContext context, int producers, Scheduler? previous)
    {
        // The memory budget is shared out by number: with another number no index can stay.
        var budget = context.PrefixBudgetBytes / producers;
        var kept = previous?.Producers.Count == producers ? previous.Producers.FirstOrDefault(p => p.Name == name) : null;
        if (config.Plugin(name).Parameters is not PrecisePrefixParameters precise)
        {
            var wanted = ((ApproxPrefixParameters)config.Plugin(name).Parameters).Config;
            return kept is ApproxPrefixProducer approx && approx.Config == wanted
                ? approx
                : new ApproxPrefixProducer(name, wanted, new ApproxPrefixIndex(context.Seed, budget), context.Pool, context.Hashing);
        }

        if (kept is PrecisePrefixProducer same && same.Config == precise.Config)
        {
            return same;
        }

        // A third for requests whose tokens are not known, two for what was sent lately, where events stopped.
        var byBytes = new ApproxPrefixProducer(
            name, new ApproxPrefixConfig(Dialect.LlmD, precise.Config.BlockTokens), new ApproxPrefixIndex(context.Seed, budget / 3), context.Pool, context.Hashing);
        var source = context.KvSources?.GetValueOrDefault(name) ?? new KvSource(new KvIndex(context.Seed));
        return new PrecisePrefixProducer(name, precise.Config, source, context.Pool, byBytes, context.Seed, budget / 2);
    }

    private static IFilter CreateFilter(PluginConfig plugin) => (plugin.Type, plugin.Parameters) switch
    {
        (HeaderTestingFilter.PluginType, _) => new HeaderTestingFilter(plugin.Name),
        (LabelFilter.DecodeType, _) => new LabelFilter(plugin.Name, plugin.Type, LabelFilter.Decode),
        (LabelFilter.PrefillType, _) => new LabelFilter(plugin.Name, plugin.Type, LabelFilter.Prefill),
        (LabelFilter.EncodeType, _) => new LabelFilter(plugin.Name, plugin.Type, LabelFilter.Encode),
        (_, LabelFilterParameters p) => new LabelFilter(plugin.Name, plugin.Type, p.Conditions),
        (_, UtilizationParameters p) => new UtilizationDetector(plugin.Name, p.Thresholds),
        (_, ConcurrencyParameters p) => new ConcurrencyDetector(plugin.Name, p.MaxConcurrency, p.Headroom),
        _ => throw Unmapped(plugin),
    };

    private static IScorer CreateScorer(PluginConfig plugin, List<string> producers) => (plugin.Type, plugin.Parameters) switch
    {
        (QueueScorer.PluginType, _) => new QueueScorer(plugin.Name),
        (KvCacheUtilizationScorer.PluginType, _) => new KvCacheUtilizationScorer(plugin.Name),
        (RunningRequestsScorer.PluginType, _) => new RunningRequestsScorer(plugin.Name),
        (LoraAffinityScorer.PluginType, _) => new LoraAffinityScorer(plugin.Name),
        (_, LoadAwareParameters p) => new LoadAwareScorer(plugin.Name, p.Threshold),
        (_, ActiveRequestParameters p) => new ActiveRequestScorer(plugin.Name, p.IdleThreshold, p.MaxBusyScore),
        (PrefixCacheScorer.PluginType or PluginCatalog.PreciseScorer, PrefixScorerParameters p) =>
            new PrefixCacheScorer(plugin.Name, producers.IndexOf(p.Producer), p.LengthWeight, p.LengthScaleTokens, plugin.Type),
        _ => throw Unmapped(plugin),
    };

    private static IPicker CreatePicker(PluginConfig plugin) => (plugin.Type, plugin.Parameters) switch
    {
        (MaxScorePicker.PluginType, PickerParameters p) => new MaxScorePicker(plugin.Name, p.MaxEndpoints),
        (RandomPicker.PluginType, PickerParameters p) => new RandomPicker(plugin.Name, p.MaxEndpoints),
        (WeightedRandomPicker.PluginType, PickerParameters p) => new WeightedRandomPicker(plugin.Name, p.MaxEndpoints),
        _ => throw Unmapped(plugin),
    };

    private static InvalidOperationException Unmapped(PluginConfig plugin) =>
        new($"plugin type '{plugin.Type}' is in the catalog but not in {nameof(SchedulerFactory)}; add it to the switch of its kind");
}
