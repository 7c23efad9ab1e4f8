namespace Epp.Aot.Telemetry;

/// <summary>Kind of a family, as its TYPE line says.</summary>
public enum MetricKind
{
    Counter = 0,
    Gauge,
    Histogram,
}

/// <summary>One metric family: what its HELP, TYPE and label names are, and how its samples are collected when somebody reads it.</summary>
public sealed class MetricFamily
{
    internal MetricFamily(string name, MetricKind kind, string help, string[] labels, Action<FamilySamples> collect, double[]? buckets = null)
    {
        Name = name;
        Kind = kind;
        Help = help;
        Labels = labels;
        Collect = collect;
        BucketBounds = buckets;
    }

    public string Name { get; }

    public MetricKind Kind { get; }

    public string Help { get; }

    /// <summary>Label names, alphabetical, as the exposition orders them.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>Upper bounds without +Inf; null where the family is no histogram.</summary>
    public IReadOnlyList<double>? BucketBounds { get; }

    internal Action<FamilySamples> Collect { get; }
}
