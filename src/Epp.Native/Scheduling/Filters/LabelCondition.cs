namespace Epp.Native.Scheduling.Filters;

/// <summary>One condition on an endpoint's label. Immutable.</summary>
/// <param name="Key">Label.</param>
/// <param name="Values">Values that match; null = any value.</param>
/// <param name="Negated">True = matches where key and values do not, an absent label included.</param>
/// <param name="AllowsAbsent">True = an absent label matches.</param>
public sealed record LabelCondition(string Key, IReadOnlyList<string>? Values, bool Negated = false, bool AllowsAbsent = false)
{
    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        if (!labels.TryGetValue(Key, out var value))
        {
            return Negated || AllowsAbsent;
        }

        if (Values is null)
        {
            return !Negated;
        }

        for (var i = 0; i < Values.Count; i++)
        {
            if (Values[i] == value)
            {
                return !Negated;
            }
        }

        return Negated;
    }

    public override string ToString() =>
        $"{Key}{(Negated ? " not" : "")} {(Values is null ? "present" : $"in ({string.Join(",", Values)})")}{(AllowsAbsent ? " or absent" : "")}";
}
