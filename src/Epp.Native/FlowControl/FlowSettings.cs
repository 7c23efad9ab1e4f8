using System.Text;

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

/// <summary>One band: the requests of one priority. Immutable.</summary>
/// <param name="priority">Of the objectives in it.</param>
/// <param name="maxBytes">Bytes of bodies it holds at most; default 1e9.</param>
/// <param name="maxRequests">Requests it holds at most; default 5000.</param>
/// <param name="fairness">Between flows.</param>
/// <param name="ordering">Inside a flow.</param>
/// <param name="program">Parameters of <see cref="FlowFairness.ProgramAware"/>; null = defaults.</param>
public sealed class BandSettings(
    int priority = 0,
    long maxBytes = BandSettings.DefaultBytes,
    long maxRequests = BandSettings.DefaultRequests,
    FlowFairness fairness = FlowFairness.GlobalStrict,
    FlowOrdering ordering = FlowOrdering.FirstCome,
    ProgramAwareSettings? program = null)
{
    /// <summary>Contract §5.2.</summary>
    public const long DefaultBytes = 1_000_000_000;

    /// <summary>Contract §5.2.</summary>
    public const long DefaultRequests = 5000;

    public int Priority => priority;

    public long MaxBytes => maxBytes;

    public long MaxRequests => maxRequests;

    public FlowFairness Fairness => fairness;

    public FlowOrdering Ordering => ordering;

    public ProgramAwareSettings? Program => program;

    /// <summary>The same for another priority.</summary>
    public BandSettings Of(int other) => new(other, maxBytes, maxRequests, fairness, ordering, program);

    /// <summary>All of it in one line.</summary>
    public override string ToString() => new StringBuilder("band ").Append(priority).Append(' ').Append(maxRequests).Append(' ').Append(maxBytes).Append(' ')
        .Append((int)fairness).Append(' ').Append((int)ordering).Append(' ').Append(program).ToString();
}

/// <summary>Parameters of <c>program-aware-fairness</c> (plugins §12.2). Immutable.</summary>
/// <param name="weightService">Weight of the service a program has not had; default 0.8.</param>
/// <param name="weightHeadWait">Weight of how long its first request waits; default 0.2.</param>
/// <param name="halfLifeSeconds">In which a program's attained service halves; default 60.</param>
/// <param name="forgetAfterSeconds">Without a request after which it is forgotten; default 3600.</param>
public sealed class ProgramAwareSettings(
    double weightService = 0.8, double weightHeadWait = 0.2, double halfLifeSeconds = 60, double forgetAfterSeconds = 3600)
{
    public double WeightService => weightService;

    public double WeightHeadWait => weightHeadWait;

    public double HalfLifeSeconds => halfLifeSeconds;

    public double ForgetAfterSeconds => forgetAfterSeconds;

    /// <summary>All of it in one line.</summary>
    public override string ToString() => new StringBuilder().Append(weightService).Append(' ').Append(weightHeadWait).Append(' ').Append(halfLifeSeconds).Append(' ')
        .Append(forgetAfterSeconds).ToString();
}

/// <summary>Limits of flow control (contract §5.2). Immutable.</summary>
/// <param name="bands">Configured bands, each priority once.</param>
/// <param name="defaultBand">Template of bands of priority ≥ 0 that are not configured.</param>
/// <param name="negativeBand">Template of bands below 0.</param>
/// <param name="maxBytes">Of all bands; 0 = no limit.</param>
/// <param name="maxRequests">Of all bands; 0 = no limit.</param>
/// <param name="ttlMs">How long a request may wait; 0 = for ever.</param>
/// <param name="noEndpointTtlMs">The same while the pool is empty.</param>
public sealed class FlowSettings(
    IReadOnlyList<BandSettings> bands,
    BandSettings defaultBand,
    BandSettings negativeBand,
    long maxBytes = 0,
    long maxRequests = 0,
    long ttlMs = 60_000,
    long noEndpointTtlMs = 60_000)
{
    public IReadOnlyList<BandSettings> Bands => bands;

    public BandSettings DefaultBand => defaultBand;

    public BandSettings NegativeBand => negativeBand;

    public long MaxBytes => maxBytes;

    public long MaxRequests => maxRequests;

    public long TtlMs => ttlMs;

    public long NoEndpointTtlMs => noEndpointTtlMs;

    /// <summary>True where a band's policy goes by what responses cost.</summary>
    public bool CountsService
    {
        get
        {
            var counts = defaultBand.Fairness == FlowFairness.ProgramAware || negativeBand.Fairness == FlowFairness.ProgramAware;
            foreach (var band in bands)
            {
                counts |= band.Fairness == FlowFairness.ProgramAware;
            }

            return counts;
        }
    }

    /// <summary>All of it in one line.</summary>
    public override string ToString() => new StringBuilder().Append(maxRequests).Append(' ').Append(maxBytes).Append(' ').Append(ttlMs).Append(' ').Append(noEndpointTtlMs).Append(' ')
        .Append(string.Join(' ', bands)).Append(' ').Append(defaultBand).Append(' ').Append(negativeBand).ToString();
}
