using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Scheduling;
using Epp.Native.Scheduling.Filters;
using Epp.Native.Scheduling.Pickers;
using Epp.Native.Scheduling.Scorers;

namespace Epp.Aot.Configuration;

/// <summary>Builds the scheduler a configuration asks for. The one place that maps plugin types to policies.</summary>
public static class SchedulerFactory
{
    /// <param name="config">A checked configuration.</param>
    /// <param name="pool">The pool, for producers that follow its members.</param>
    /// <param name="seed">Seed of all chance; secret where requests come from strangers.</param>
    /// <param name="hashing">Block hashes of a request.</param>
    /// <param name="prefixBudgetBytes">Memory of all prefix indexes together.</param>
    public static Scheduler Create(
        EppConfig config, Pool pool, ulong seed, BlockHashing hashing, long prefixBudgetBytes = ApproxPrefixIndex.DefaultBudgetBytes)
    {
        var profile = config.Profile;
        var names = profile.Scorers
            .Select(s => s.Plugin.Parameters)
            .OfType<PrefixScorerParameters>()
            .Select(p => p.Producer)
            .Distinct()
            .ToList();
        var producers = names
            .Select(name => new ApproxPrefixProducer(
                name,
                ((ApproxPrefixParameters)config.Plugin(name).Parameters).Config,
                new ApproxPrefixIndex(seed, prefixBudgetBytes / names.Count),
                pool,
                hashing))
            .ToArray();
        return new Scheduler(
            new Profile(
                profile.Name,
                [.. profile.Filters.Select(CreateFilter)],
                [.. profile.Scorers.Select(s => new WeightedScorer(CreateScorer(s.Plugin, names), s.Weight))],
                CreatePicker(profile.Picker)),
            producers,
            seed);
    }

    private static HeaderTestingFilter CreateFilter(PluginConfig plugin) => plugin.Type switch
    {
        HeaderTestingFilter.PluginType => new HeaderTestingFilter(plugin.Name),
        _ => throw Unmapped(plugin),
    };

    private static IScorer CreateScorer(PluginConfig plugin, List<string> producers) => (plugin.Type, plugin.Parameters) switch
    {
        (QueueScorer.PluginType, _) => new QueueScorer(plugin.Name),
        (KvCacheUtilizationScorer.PluginType, _) => new KvCacheUtilizationScorer(plugin.Name),
        (RunningRequestsScorer.PluginType, _) => new RunningRequestsScorer(plugin.Name),
        (LoraAffinityScorer.PluginType, _) => new LoraAffinityScorer(plugin.Name),
        (PrefixCacheScorer.PluginType, PrefixScorerParameters p) =>
            new PrefixCacheScorer(plugin.Name, producers.IndexOf(p.Producer), p.LengthWeight, p.LengthScaleTokens),
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
