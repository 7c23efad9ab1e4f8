using Epp.Native;
using Epp.Native.Chat;
using Epp.Native.Expressions;
using Epp.Native.FlowControl;
using Epp.Native.Prefix;
using Epp.Native.Scheduling.Filters;
using Epp.Native.Scheduling.Saturation;
using Epp.Native.Scheduling.Scorers;

namespace Epp.Aot.Configuration;

/// <summary>A checked configuration with every default filled in and every reference resolved. Immutable.</summary>
/// <param name="Dialect">From <c>apiVersion</c>.</param>
/// <param name="Plugins">Configured plugins, then those added by default.</param>
/// <param name="Profile">The only scheduling profile.</param>
/// <param name="DataLayer">Discovery and scraping.</param>
/// <param name="Parsers">Parser plugins in order; empty = GAIE's built-in rule, any path.</param>
/// <param name="Saturation">When sheddable requests are refused, or with flow control all wait.</param>
/// <param name="FlowControl">Null = the gate is off.</param>
public sealed record EppConfig(
    Dialect Dialect,
    IReadOnlyList<PluginConfig> Plugins,
    ProfileConfig Profile,
    DataLayerConfig DataLayer,
    IReadOnlyList<PluginConfig> Parsers,
    SaturationConfig Saturation,
    FlowControlConfig? FlowControl = null)
{
    /// <summary>The plugin of a name.</summary>
    public PluginConfig Plugin(string name) => Plugins.First(p => p.Name == name);
}

/// <summary>What a plugin is for.</summary>
public enum PluginKind
{
    Filter = 0,
    Scorer,
    Picker,
    ProfileHandler,
    Producer,
    Parser,
    Discovery,
    DataSource,
    Extractor,
    SaturationDetector,
    Decider,
    PreRequest,
    FairnessPolicy,
    OrderingPolicy,
    UsageLimitPolicy,
    EvictionPolicy,
    Admitter,
    RequestProcessor,
    Reporter,
    Screener,
    CrossReplicaSyncer,
}

/// <summary>One plugin instance.</summary>
/// <param name="Name">Unique.</param>
/// <param name="Type">A type of <see cref="PluginCatalog"/>, aliases resolved.</param>
/// <param name="Kind">From the type.</param>
/// <param name="Parameters">Checked parameters.</param>
public sealed record PluginConfig(string Name, string Type, PluginKind Kind, PluginParameters Parameters);

/// <summary>A scheduling profile.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Filters">In order.</param>
/// <param name="Scorers">In order.</param>
/// <param name="Picker">The picker.</param>
public sealed record ProfileConfig(
    string Name, IReadOnlyList<PluginConfig> Filters, IReadOnlyList<ScorerConfig> Scorers, PluginConfig Picker);

/// <summary>A scorer and its finite weight.</summary>
public sealed record ScorerConfig(PluginConfig Plugin, double Weight);

/// <summary>One of two shapes: llm-d's plugin, or GAIE's inline thresholds.</summary>
/// <param name="Detector">A detector plugin; null = <paramref name="AnyCapacity"/> holds.</param>
/// <param name="AnyCapacity">GAIE's rule.</param>
public sealed record SaturationConfig(PluginConfig? Detector, UtilizationThresholds AnyCapacity);

/// <summary>Flow control with its gate on (contract §5.2). Immutable.</summary>
/// <param name="settings">Limits and bands.</param>
/// <param name="usage">The usage limit policy.</param>
/// <param name="enableEviction">Sheddable requests in flight may be ended for others.</param>
public sealed class FlowControlConfig(FlowSettings settings, FlowPolicyParameters usage, bool enableEviction = false)
{
    public FlowSettings Settings => settings;

    public FlowPolicyParameters Usage => usage;

    public bool EnableEviction => enableEviction;

    /// <summary>All of it in one line.</summary>
    public override string ToString() => $"{settings}, {usage}{(enableEviction ? ", eviction" : "")}";
}

/// <summary>Of usage limit policies and <c>program-aware-fairness</c>.</summary>
/// <param name="Type">The policy.</param>
/// <param name="MinCeiling">Of the lowest band, where ceilings differ.</param>
/// <param name="MaxCeiling">Of the highest, or of all.</param>
/// <param name="ByValue">Between them by the priorities' values, not their ranks.</param>
/// <param name="Program">Of <c>program-aware-fairness</c>; null = of another one.</param>
public sealed record FlowPolicyParameters(
    string Type = StaticUsageLimit.PluginType, double MinCeiling = 0, double MaxCeiling = 1, bool ByValue = false, ProgramAwareSettings? Program = null) : PluginParameters;

/// <summary>Where endpoints and their metrics come from.</summary>
/// <param name="Discovery">A <c>file-discovery</c> plugin; null = Kubernetes.</param>
/// <param name="Sources">Sources to scrape; none = nothing is scraped.</param>
public sealed record DataLayerConfig(PluginConfig? Discovery, IReadOnlyList<MetricsSourceConfig> Sources);

/// <summary>A <c>metrics-data-source</c> and the <c>core-metrics-extractor</c>s that read it.</summary>
public sealed record MetricsSourceConfig(PluginConfig Source, IReadOnlyList<PluginConfig> Extractors);

/// <summary>Parameters of one plugin; one record for each shape.</summary>
public abstract record PluginParameters;

/// <summary>Of types that have none.</summary>
public sealed record NoParameters : PluginParameters;

/// <summary>Of pickers.</summary>
/// <param name="MaxEndpoints">≥ 1.</param>
public sealed record PickerParameters(int MaxEndpoints = 1) : PluginParameters;

/// <summary>Of <c>prefix-cache-scorer</c>.</summary>
/// <param name="Producer">Name of the prefix producer plugin; resolved.</param>
/// <param name="LengthWeight">0 … 1.</param>
/// <param name="LengthScaleTokens">&gt; 0 where the weight is.</param>
/// <param name="OwnIndex">GAIE: the scorer's own index; null = none given.</param>
public sealed record PrefixScorerParameters(
    string Producer = "", double LengthWeight = 0, int LengthScaleTokens = 8192, ApproxPrefixConfig? OwnIndex = null) : PluginParameters;

/// <summary>Of <c>load-aware-scorer</c>.</summary>
/// <param name="Threshold">&gt; 0.</param>
public sealed record LoadAwareParameters(int Threshold = LoadAwareScorer.DefaultThreshold) : PluginParameters;

/// <summary>Of <c>active-request-scorer</c>.</summary>
/// <param name="IdleThreshold">≥ 0.</param>
/// <param name="MaxBusyScore">0 … 1.</param>
public sealed record ActiveRequestParameters(int IdleThreshold = 0, double MaxBusyScore = 1) : PluginParameters;

/// <summary>Of the filters by label; of the role filters by their type.</summary>
public sealed record LabelFilterParameters(IReadOnlyList<LabelCondition> Conditions) : PluginParameters
{
    public override string ToString() => Conditions.Count == 0 ? "keeps all" : string.Join(" and ", Conditions);
}

/// <summary>Of <c>utilization-detector</c>.</summary>
public sealed record UtilizationParameters(UtilizationThresholds Thresholds) : PluginParameters;

/// <summary>Of <c>concurrency-detector</c>.</summary>
/// <param name="MaxConcurrency">&gt; 0.</param>
/// <param name="Headroom">≥ 0.</param>
public sealed record ConcurrencyParameters(int MaxConcurrency = 100, double Headroom = 0) : PluginParameters;

/// <summary>Of <c>agent-identity</c> (plugins §5.9).</summary>
/// <param name="Headers">Headers that name a session, looked at before the known ones.</param>
public sealed record AgentIdentityParameters(IReadOnlyList<string> Headers) : PluginParameters
{
    /// <summary>The headers in order.</summary>
    public override string ToString() => Headers.Count == 0 ? "known headers" : $"{string.Join(", ", Headers)}, known headers";
}

/// <summary>Of <c>request-attribute-reporter</c> (plugins §5.10).</summary>
/// <param name="Namespace">Of the dynamic metadata.</param>
/// <param name="Name">Key in it.</param>
/// <param name="Text">The expression and its condition as they were written, which tell two configurations apart.</param>
/// <param name="Expression">The number.</param>
/// <param name="Condition">Whether it is reported; null = always.</param>
public sealed record UsageReporterParameters(
    string Namespace, string Name, string Text, UsageExpression Expression, UsageExpression? Condition) : PluginParameters
{
    /// <summary>What is reported where.</summary>
    public override string ToString() => $"{Namespace} {Name} = {Text}";
}

/// <summary>Of <c>approx-prefix-cache-producer</c>.</summary>
public sealed record ApproxPrefixParameters(ApproxPrefixConfig Config) : PluginParameters;

/// <summary>Of <c>precise-prefix-cache-producer</c>.</summary>
/// <param name="Config">How prompts are matched.</param>
/// <param name="Events">Where events come from.</param>
/// <param name="BudgetBytes">Memory of the index; null = the flag's.</param>
public sealed record PrecisePrefixParameters(PrecisePrefixConfig Config, KvEventsConfig Events, long? BudgetBytes = null) : PluginParameters;

/// <summary>Of <c>precise-prefix-cache-scorer</c> while its producer is looked for.</summary>
/// <param name="Own">The producer it brings along; null = it has no parameters.</param>
public sealed record PreciseScorerParameters(PrecisePrefixParameters? Own) : PluginParameters;

/// <summary>Where KV events come from.</summary>
/// <param name="ListenPort">Engines connect to this port; 0 = they are connected to.</param>
/// <param name="TopicFilter">Prefix of the topics that are read.</param>
/// <param name="SocketPort">Port of an engine's publisher; each data-parallel rank has the next one.</param>
/// <param name="ReplayPort">Port of its replay socket; 0 = none.</param>
/// <param name="Dynamo">A Dynamo deployment's event plane instead; null = engines.</param>
public sealed record KvEventsConfig(
    int ListenPort = 0, string TopicFilter = "kv@", int SocketPort = 5557, int ReplayPort = 0, DynamoEventsConfig? Dynamo = null);

/// <summary>The event plane of a Dynamo deployment.</summary>
/// <param name="Namespace">Dynamo's namespace of the workers.</param>
/// <param name="Component">Their component; null = every one.</param>
/// <param name="Durable">JetStream's durable mode, of releases up to 1.2.</param>
/// <param name="ZmqEndpoints">Publishers of the ZMQ plane; none = NATS.</param>
public sealed record DynamoEventsConfig(string Namespace, string? Component, bool Durable, IReadOnlyList<string> ZmqEndpoints)
{
    /// <summary>In words.</summary>
    public override string ToString() =>
        $"namespace {Namespace}, component {Component ?? "any"}, {(ZmqEndpoints.Count > 0 ? string.Join(' ', ZmqEndpoints) : Durable ? "JetStream" : "NATS")}";
}

/// <summary>Of <c>token-producer</c>.</summary>
/// <param name="Models">Models tokenized in this process; none = the backend is another one.</param>
/// <param name="RenderUrl">Base address of a vLLM server that renders prompts: the backend, or with local models what they are compared with; null = none.</param>
/// <param name="RenderModel">The model named to it.</param>
/// <param name="RenderTimeout">Most time of one rendering.</param>
/// <param name="ComparesTraffic">Compare the ids of some requests with those that engines' KV events name.</param>
public sealed record TokenProducerParameters(
    IReadOnlyList<LocalModelConfig> Models, string? RenderUrl = null, string RenderModel = "", TimeSpan RenderTimeout = default, bool ComparesTraffic = true)
    : PluginParameters
{
    /// <summary>The models by name.</summary>
    public override string ToString() => Models.Count > 0
        ? $"local: {string.Join(", ", Models)}{(RenderUrl is null ? "" : $", compared with {RenderUrl}")}"
        : RenderUrl is null ? "estimate" : $"rendered by {RenderUrl} as {RenderModel}";
}

/// <summary>A model that is tokenized in this process.</summary>
/// <param name="Name">As requests name it; one model alone serves every name.</param>
/// <param name="Path">Directory with <c>tokenizer.json</c> and its like.</param>
/// <param name="Flavour">Whose prompts are reproduced.</param>
/// <param name="Transformers">Major version of the library the engine loads tokenizers with, 4 or 5.</param>
/// <param name="Pattern">How text is split, for a directory that holds a tiktoken rank file.</param>
/// <param name="Flags">What the engine was started with; null = unknown.</param>
/// <param name="PrefixCacheBytes">Memory for beginnings of prompts and their ids; 0 = none.</param>
public sealed record LocalModelConfig(
    string Name, string Path, ChatFlavour Flavour = ChatFlavour.Vllm033, int Transformers = 5, string Pattern = "", EngineFlags? Flags = null,
    long PrefixCacheBytes = 0);

/// <summary>Of <c>file-discovery</c>.</summary>
/// <param name="Path">The endpoints file.</param>
/// <param name="WatchFile">Follow changes.</param>
public sealed record FileDiscoveryParameters(string Path, bool WatchFile = false) : PluginParameters;

/// <summary>Of <c>metrics-data-source</c>.</summary>
/// <param name="Scheme"><c>http</c> or <c>https</c>.</param>
/// <param name="Path">With a leading slash.</param>
/// <param name="Port">0 = the endpoint's.</param>
/// <param name="InsecureSkipVerify">Accept any certificate.</param>
/// <param name="CaCertPath">PEM file of the authorities; null = the system's.</param>
/// <param name="ClientCertPath">PEM file; null = none.</param>
/// <param name="ClientKeyPath">PEM file; null = none.</param>
/// <param name="Interval">Null = the refresh flag's.</param>
/// <param name="PortIfAlone">True = <paramref name="Port"/> only counts for an address that has one endpoint (GAIE's flag).</param>
public sealed record MetricsSourceParameters(
    string Scheme = "http",
    string Path = "/metrics",
    int Port = 0,
    bool InsecureSkipVerify = true,
    string? CaCertPath = null,
    string? ClientCertPath = null,
    string? ClientKeyPath = null,
    TimeSpan? Interval = null,
    bool PortIfAlone = false) : PluginParameters;

/// <summary>Of <c>core-metrics-extractor</c>.</summary>
/// <param name="EngineLabelKey">Endpoint label that names the engine.</param>
/// <param name="DefaultEngine">Engine of endpoints without it.</param>
/// <param name="Engines">Mappings beside, or instead of, the built-in ones of the same name.</param>
public sealed record MetricsExtractorParameters(
    string EngineLabelKey = "llm-d.ai/engine-type", string DefaultEngine = "vllm", IReadOnlyList<EngineConfig>? Engines = null) : PluginParameters
{
    /// <summary>Without the engines.</summary>
    public override string ToString() => $"EngineLabelKey = {EngineLabelKey}, DefaultEngine = {DefaultEngine}";
}

/// <summary>Names of one engine's metrics, each <c>name</c> or <c>name{label=value,…}</c>; null or empty = not read.</summary>
public sealed record EngineConfig(
    string Name,
    string? QueuedRequestsSpec,
    string? RunningRequestsSpec,
    string? KvUsageSpec,
    string? LoraSpec,
    string? CacheInfoSpec,
    string? CacheBlockSizeLabelName,
    string? CacheNumBlocksLabelName,
    string? CacheBlockSizeSpec,
    string? CacheNumBlocksSpec);

/// <summary>A configuration, or every error of it.</summary>
/// <param name="Config">Null where there are errors.</param>
/// <param name="Errors">All of them, in file order by section.</param>
/// <param name="Warnings">What is accepted but probably not meant.</param>
public sealed record ConfigLoadResult(EppConfig? Config, IReadOnlyList<ConfigProblem> Errors, IReadOnlyList<ConfigProblem> Warnings);

/// <summary>A configuration file as the process would start with it, or every error.</summary>
public sealed record ConfigReading(EppConfig? Config, IReadOnlyList<string> Errors, IReadOnlyList<string> Warnings);
