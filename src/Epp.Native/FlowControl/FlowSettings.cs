namespace Epp.Native.FlowControl;

/// <summary>How the requests of one flow are ordered (plugins §12.2).</summary>
public enum FlowOrdering
{
    /// <summary><c>fcfs-ordering-policy</c>: by arrival.</summary>
    FirstCome = 0,

    /// <summary><c>edf-ordering-policy</c>: by arrival plus the time it may wait; without a limit last.</summary>
    EarliestDeadline,

    /// <summary><c>slo-deadline-ordering-policy</c>: by receipt plus the time to first token its header asks for; without the header last.</summary>
    SloDeadline,
}

/// <summary>Which flow of a band is served next (plugins §12.2).</summary>
public enum FlowFairness
{
    /// <summary><c>global-strict-fairness-policy</c>: the flow whose first request is first of all.</summary>
    GlobalStrict = 0,

    /// <summary><c>round-robin-fairness-policy</c>: one flow after the other, by their ids.</summary>
    RoundRobin,

    /// <summary><c>program-aware-fairness</c>: the flow that was served least and has waited longest.</summary>
    ProgramAware,
}

/// <summary>One band: the requests of one priority.</summary>
/// <param name="Priority">Of the objectives in it.</param>
/// <param name="MaxBytes">Bytes of bodies it holds at most; default 1e9.</param>
/// <param name="MaxRequests">Requests it holds at most; default 5000.</param>
/// <param name="Fairness">Between flows.</param>
/// <param name="Ordering">Inside a flow.</param>
/// <param name="Program">Parameters of <see cref="FlowFairness.ProgramAware"/>; null = defaults.</param>
public sealed record BandSettings(
    int Priority = 0,
    long MaxBytes = BandSettings.DefaultBytes,
    long MaxRequests = BandSettings.DefaultRequests,
    FlowFairness Fairness = FlowFairness.GlobalStrict,
    FlowOrdering Ordering = FlowOrdering.FirstCome,
    ProgramAwareSettings? Program = null)
{
    /// <summary>Contract §5.2.</summary>
    public const long DefaultBytes = 1_000_000_000;

    /// <summary>Contract §5.2.</summary>
    public const long DefaultRequests = 5000;
}

/// <summary>Parameters of <c>program-aware-fairness</c> (plugins §12.2).</summary>
/// <param name="WeightService">Weight of the service a program has not had; default 0.8.</param>
/// <param name="WeightHeadWait">Weight of how long its first request waits; default 0.2.</param>
/// <param name="HalfLifeSeconds">In which a program's attained service halves; default 60.</param>
/// <param name="ForgetAfterSeconds">Without a request after which it is forgotten; default 3600.</param>
public sealed record ProgramAwareSettings(
    double WeightService = 0.8, double WeightHeadWait = 0.2, double HalfLifeSeconds = 60, double ForgetAfterSeconds = 3600);

/// <summary>Limits of flow control (contract §5.2).</summary>
/// <param name="Bands">Configured bands, each priority once.</param>
/// <param name="DefaultBand">Template of bands of priority ≥ 0 that are not configured.</param>
/// <param name="NegativeBand">Template of bands below 0.</param>
/// <param name="MaxBytes">Of all bands; 0 = no limit.</param>
/// <param name="MaxRequests">Of all bands; 0 = no limit.</param>
/// <param name="TtlMs">How long a request may wait; 0 = for ever.</param>
/// <param name="NoEndpointTtlMs">The same while the pool is empty.</param>
public sealed record FlowSettings(
    IReadOnlyList<BandSettings> Bands,
    BandSettings DefaultBand,
    BandSettings NegativeBand,
    long MaxBytes = 0,
    long MaxRequests = 0,
    long TtlMs = 60_000,
    long NoEndpointTtlMs = 60_000);
