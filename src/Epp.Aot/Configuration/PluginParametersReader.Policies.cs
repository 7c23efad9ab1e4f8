using Epp.Native;
using Epp.Native.Scheduling.Filters;

namespace Epp.Aot.Configuration;

/// <content>Parameters of scorers, filters and detectors.</content>
internal sealed partial class PluginParametersReader
{
    /// <summary>Reports parameters that the peer would not know either.</summary>
    public void CheckUnbuilt(UnbuiltPlugin plugin, MapReader? map)
    {
        if (map is null || plugin.Parameters is null)
        {
            return;
        }

        foreach (var key in plugin.Parameters)
        {
            map.Value(key);
        }

        map.End(dialect == Dialect.LlmD);
    }

    private static ActiveRequestParameters ActiveRequest(MapReader map)
    {
        OwnCountsOnly(map);
        map.Text("requestTimeout");
        var idle = map.Int("idleThreshold", 0);
        var busy = map.Number("maxBusyScore", 1);
        if (idle < 0)
        {
            map.Problems.Warn(map.Value("idleThreshold"), map.PathOf("idleThreshold"), $"{idle} is negative; 0 is used");
        }

        if (busy is < 0 or > 1)
        {
            map.Problems.Warn(map.Value("maxBusyScore"), map.PathOf("maxBusyScore"), $"{map.Text("maxBusyScore")} is not from 0 to 1; 1 is used");
        }

        return new ActiveRequestParameters(Math.Max(0, idle), busy is < 0 or > 1 ? 1 : busy);
    }

    private static ConcurrencyParameters Concurrency(MapReader map)
    {
        OwnCountsOnly(map);
        map.Int("maxTokenConcurrency", 1_000_000, min: 1);
        var mode = map.Text("concurrencyMode") ?? "requests";
        if (mode is "tokens" or "hybrid")
        {
            map.Problems.Error(map.Value("concurrencyMode"), map.PathOf("concurrencyMode"), $"'{mode}' is known to llm-d but not built into this version; expected requests");
        }
        else if (mode is not ("requests" or ""))
        {
            map.Problems.Error(map.Value("concurrencyMode"), map.PathOf("concurrencyMode"), $"found '{mode}', expected requests, tokens or hybrid");
        }

        return new ConcurrencyParameters(map.Int("maxConcurrency", 100, min: 1), map.Number("headroom", 0, 0, 1e6));
    }

    /// <summary>Another producer of in-flight counts cannot be named: there is one, this process's own count.</summary>
    private static void OwnCountsOnly(MapReader map)
    {
        if (map.Text("inFlightLoadProducerName") is { Length: > 0 } and not "inflight-load-producer")
        {
            map.Problems.Error(
                map.Value("inFlightLoadProducerName"), map.PathOf("inFlightLoadProducerName"), "other producers of in-flight load are not built into this version; remove it");
        }
    }

    private static LabelFilterParameters Selector(MapReader map)
    {
        var conditions = new List<LabelCondition>();
        if (map.Map("matchLabels") is { } labels)
        {
            conditions.AddRange(labels.Node.Entries.ConvertAll(e => new LabelCondition(e.Key.Text, [labels.Text(e.Key.Text) ?? ""])));
        }

        foreach (var item in map.Maps("matchExpressions"))
        {
            var key = item.RequiredText("key", "a label") ?? "";
            var values = item.List("values").Select(v => v.Node.Text).ToList();
            switch (item.Text("operator"))
            {
                case "In" or "NotIn" when values.Count == 0:
                    item.Problems.Error(item.Value("values") ?? item.Node, item.PathOf("values"), "is empty; In and NotIn expect at least one value");
                    break;
                case "In":
                    conditions.Add(new LabelCondition(key, values));
                    break;
                case "NotIn":
                    conditions.Add(new LabelCondition(key, values, Negated: true));
                    break;
                case "Exists" or "DoesNotExist" when values.Count > 0:
                    item.Problems.Error(item.Value("values"), item.PathOf("values"), "Exists and DoesNotExist expect no values");
                    break;
                case "Exists":
                    conditions.Add(new LabelCondition(key, null));
                    break;
                case "DoesNotExist":
                    conditions.Add(new LabelCondition(key, null, Negated: true));
                    break;
                case var other:
                    item.Problems.Error(item.Value("operator") ?? item.Node, item.PathOf("operator"), $"found '{other}', expected In, NotIn, Exists or DoesNotExist");
                    break;
            }

            item.End();
        }

        return new LabelFilterParameters(conditions);
    }

    private static LabelFilterParameters ByLabel(MapReader map)
    {
        map.Problems.Warn(map.Node, map.Path, $"type '{LabelFilter.ByLabelType}' is deprecated; use '{LabelFilter.SelectorType}'");
        var label = map.RequiredText("label", "a label") ?? "";
        var values = map.List("validValues").Select(v => v.Node.Text).ToList();
        var absent = map.Bool("allowsNoLabel", false);
        if (values.Count == 0 && !absent)
        {
            map.Problems.Error(map.Value("validValues") ?? map.Node, map.PathOf("validValues"), "is empty; expected a value, or allowsNoLabel: true");
        }

        return new LabelFilterParameters([new LabelCondition(label, values, AllowsAbsent: absent)]);
    }
}
