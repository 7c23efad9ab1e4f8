namespace Epp.Native.Scheduling.Filters;

/// <summary>Keeps the endpoints whose labels meet every condition; may leave none. The role filters are this one with fixed conditions.</summary>
/// <param name="name">Plugin name.</param>
/// <param name="type">Plugin type it was configured as.</param>
/// <param name="conditions">All must match; none = everything is kept.</param>
public sealed class LabelFilter(string name, string type, IReadOnlyList<LabelCondition> conditions) : IFilter
{
    public const string SelectorType = "label-selector-filter";
    public const string ByLabelType = "by-label";
    public const string DecodeType = "decode-filter";
    public const string PrefillType = "prefill-filter";
    public const string EncodeType = "encode-filter";

    /// <summary>Label that names what an endpoint does in disaggregated serving.</summary>
    public const string RoleLabel = "llm-d.ai/role";

    /// <summary>Roles that decode; an endpoint without the label does everything.</summary>
    public static IReadOnlyList<LabelCondition> Decode { get; } =
        [new(RoleLabel, ["decode", "prefill-decode", "both", "encode-prefill-decode"], AllowsAbsent: true)];

    /// <summary>Roles that prefill; the label is needed.</summary>
    public static IReadOnlyList<LabelCondition> Prefill { get; } =
        [new(RoleLabel, ["prefill", "encode-prefill", "prefill-decode", "both", "encode-prefill-decode"])];

    /// <summary>Roles that encode; the label is needed.</summary>
    public static IReadOnlyList<LabelCondition> Encode { get; } =
        [new(RoleLabel, ["encode", "encode-prefill", "encode-prefill-decode"])];

    public string Name => name;

    public string Type => type;

    public int Filter(RoutingRequest request, in Candidates candidates, Span<ushort> kept)
    {
        var count = 0;
        foreach (var slot in candidates.Indexes)
        {
            if (Matches(candidates.Pool[slot].Labels))
            {
                kept[count++] = slot;
            }
        }

        return count;
    }

    private bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        for (var i = 0; i < conditions.Count; i++)
        {
            if (!conditions[i].Matches(labels))
            {
                return false;
            }
        }

        return true;
    }
}
