using Epp.Native.FlowControl;

namespace Epp.Aot.Configuration;

/// <summary>Names of flow control's policies and what they mean (plugins §12.2).</summary>
public static class FlowPolicies
{
    public const string GlobalStrict = "global-strict-fairness-policy";
    public const string RoundRobin = "round-robin-fairness-policy";
    public const string ProgramAware = "program-aware-fairness";
    public const string FirstCome = "fcfs-ordering-policy";
    public const string EarliestDeadline = "edf-ordering-policy";
    public const string SloDeadline = "slo-deadline-ordering-policy";

    internal static FlowFairness Fairness(string? type) => type switch
    {
        RoundRobin => FlowFairness.RoundRobin,
        ProgramAware => FlowFairness.ProgramAware,
        _ => FlowFairness.GlobalStrict,
    };

    internal static FlowOrdering Ordering(string? type) => type switch
    {
        EarliestDeadline => FlowOrdering.EarliestDeadline,
        SloDeadline => FlowOrdering.SloDeadline,
        _ => FlowOrdering.FirstCome,
    };

    /// <summary>The policy of checked parameters; a new one, because some count.</summary>
    internal static IUsageLimitPolicy UsageLimit(FlowPolicyParameters usage) => usage.Type switch
    {
        PriorityHoldback.PluginType => new PriorityHoldback(usage.MinCeiling, usage.MaxCeiling, usage.ByValue),
        SoftReflectiveCeiling.PluginType => new SoftReflectiveCeiling(),
        _ => new StaticUsageLimit(usage.MaxCeiling),
    };

    /// <summary>Parameters of a fairness or usage limit policy; null where the type is neither.</summary>
    internal static PluginParameters? Read(string type, MapReader map) => type switch
    {
        ProgramAware => Program(map),
        StaticUsageLimit.PluginType => new FlowPolicyParameters(type, MaxCeiling: map.Number("threshold", 1, 0)),
        PriorityHoldback.PluginType => Holdback(map),
        SoftReflectiveCeiling.PluginType => new FlowPolicyParameters(type),
        _ => null,
    };

    private static FlowPolicyParameters Program(MapReader map)
    {
        OneOf(map, "strategy", "las");
        var none = new ProgramAwareSettings();
        // Swept by llm-d on a timer of its own; here forgotten where room is needed.
        map.Number("evictionSweepSeconds", 300, 1);
        return new FlowPolicyParameters(ProgramAware, Program: new ProgramAwareSettings(
            map.Number("lasWeightService", none.WeightService, 0, 1e6),
            map.Number("lasWeightHeadWait", none.WeightHeadWait, 0, 1e6),
            map.Number("lasHalfLifeSeconds", none.HalfLifeSeconds, 0.001),
            map.Number("evictionTtlSeconds", none.ForgetAfterSeconds, 1)));
    }

    private static FlowPolicyParameters Holdback(MapReader map)
    {
        OneOf(map, "shape", "linear");
        var domain = OneOf(map, "domain", "rank", "value");
        if (map.Value("minCeiling") is null)
        {
            map.Problems.Error(map.Node, map.PathOf("minCeiling"), "is missing; expected a number from 0 to below 1");
        }

        var min = map.Number("minCeiling", 0, 0, 0.999999);
        var max = map.Number("maxCeiling", 1, 0);
        if (max < min)
        {
            map.Problems.Error(map.Value("maxCeiling"), map.PathOf("maxCeiling"), $"found '{max}', expected minCeiling ({min}) or more");
        }

        return new FlowPolicyParameters(PriorityHoldback.PluginType, min, max, domain == "value");
    }

    private static string OneOf(MapReader map, string key, params string[] known)
    {
        var text = map.Text(key) is { Length: > 0 } given ? given : known[0];
        if (!known.Contains(text))
        {
            map.Problems.Error(map.Value(key), map.PathOf(key), $"found '{text}', expected {string.Join(" or ", known)}");
        }

        return text;
    }
}
