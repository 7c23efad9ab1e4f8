using Epp.Native.Wire;

namespace Epp.Aot.Scraping;

/// <summary>How model servers are scraped (contract §8, plugins <c>metrics-data-source</c> and <c>core-metrics-extractor</c>).</summary>
/// <param name="Path">Path of the exposition.</param>
/// <param name="Scheme"><c>http</c> or <c>https</c>.</param>
/// <param name="PortOverride">0 = the endpoint's own port.</param>
/// <param name="Interval">Period per endpoint; default 50 ms, at least 10 ms.</param>
/// <param name="Timeout">Deadline of one scrape; default 1 s.</param>
/// <param name="EngineLabel">Endpoint label that names the engine; the legacy label is read where it is absent.</param>
/// <param name="DefaultEngine">Engine of endpoints without label, and of unknown names.</param>
/// <param name="Engines">Configured engines; they replace built-in ones of the same name.</param>
/// <param name="Tls">Only read with <c>https</c>.</param>
/// <param name="PortIfAlone">True = <paramref name="PortOverride"/> only counts for an address that has one endpoint.</param>
public sealed record ScraperOptions(
    string Path = "/metrics",
    string Scheme = "http",
    int PortOverride = 0,
    TimeSpan? Interval = null,
    TimeSpan? Timeout = null,
    string EngineLabel = "llm-d.ai/engine-type",
    string DefaultEngine = "vllm",
    IReadOnlyList<EngineMetricsSpec>? Engines = null,
    ScraperTlsOptions? Tls = null,
    bool PortIfAlone = false)
{
    /// <summary>Label of the older lineage.</summary>
    public const string LegacyEngineLabel = "inference.networking.k8s.io/engine-type";

    /// <summary>Largest answer read, in bytes.</summary>
    public const int MaxBodyBytes = 8 << 20;

    /// <summary>Largest answer head read, in bytes.</summary>
    public const int MaxHeadBytes = 32 << 10;

    internal long IntervalMs => Math.Max(10, (long)(Interval ?? TimeSpan.FromMilliseconds(50)).TotalMilliseconds);

    internal long TimeoutMs => Math.Max(1, (long)(Timeout ?? TimeSpan.FromSeconds(1)).TotalMilliseconds);
}

/// <summary>TLS towards model servers.</summary>
/// <param name="InsecureSkipVerify">True = any server certificate is accepted, as both references do by default.</param>
/// <param name="CaCertPath">PEM file of the authorities trusted instead of the system's.</param>
/// <param name="ClientCertPath">PEM certificate shown to the server.</param>
/// <param name="ClientKeyPath">PEM key of <paramref name="ClientCertPath"/>.</param>
public sealed record ScraperTlsOptions(
    bool InsecureSkipVerify = true,
    string? CaCertPath = null,
    string? ClientCertPath = null,
    string? ClientKeyPath = null);
