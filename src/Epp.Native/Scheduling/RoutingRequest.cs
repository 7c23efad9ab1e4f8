using Epp.Native.Memory;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Requests;

namespace Epp.Native.Scheduling;

/// <summary>
/// What a pick needs to know of one request, and what it found. Lives for one decision only (it is rented per thread, not held by open
/// streams); not thread-safe.
/// </summary>
public sealed class RoutingRequest
{
    private byte[] _targetModel = new byte[128];
    private int _targetModelLength;
    private byte[] _cacheSalt = [];
    private int _cacheSaltLength;
    private readonly PromptTokens _ownTokens = new();
    private RandomSource _random;

    /// <summary>The scanned body; null for a request without body or one that is passed through.</summary>
    public RequestScanner? Scan { get; set; }

    /// <summary>The body the scan's spans point into; null as <see cref="Scan"/>.</summary>
    public BodyBuffer? Body { get; set; }

    /// <summary>Request headers, lower-case keys.</summary>
    public HeaderTable? Headers { get; set; }

    /// <summary>Monotonic milliseconds of the decision, the clock of <see cref="EndpointColumns.UpdatedMs"/>.</summary>
    public long NowMs { get; set; }

    /// <summary>Requests whose turn has come in flow control and that no endpoint counts yet: load that in-flight counters do not show.</summary>
    public int DispatchedRequests { get; set; }

    /// <summary>Subset hint; null = none.</summary>
    public SubsetHint? Subset { get; set; }

    /// <summary>Model the worker will see, UTF-8, unescaped: the rewrite's target, else the body's model; may be empty.</summary>
    public ReadOnlySpan<byte> TargetModel => _targetModel.AsSpan(0, _targetModelLength);

    /// <summary>The body's <c>cache_salt</c>, UTF-8, unescaped; may be empty.</summary>
    public ReadOnlySpan<byte> CacheSalt => _cacheSalt.AsSpan(0, _cacheSaltLength);

    /// <summary>Token ids of the prompts, where something computed them.</summary>
    public PromptTokens Tokens
    {
        get => field ?? _ownTokens;
        set;
    }

    /// <summary>Prefix matches, one per prefix producer of the configuration, by the producer's ordinal.</summary>
    public PrefixMatch[] PrefixMatches { get; set; } = [];

    /// <summary>
    /// Time each plugin took in this decision, in <see cref="System.Diagnostics.Stopwatch"/> ticks, by its ordinal in
    /// <see cref="Scheduler.Plugins"/>; −1 = it did not run.
    /// </summary>
    public long[] PluginTicks { get; private set; } = [];

    /// <summary>Chance of this decision; seeded by the scheduler on first use.</summary>
    public ref RandomSource Random => ref _random;

    internal Scratch Scratch { get; } = new();

    /// <summary>Endpoints picked, best first; the first is the destination, the others are fallbacks.</summary>
    public Endpoint?[] Picked { get; private set; } = new Endpoint?[4];

    /// <summary>Used entries of <see cref="Picked"/>.</summary>
    public int PickedCount { get; private set; }

    /// <summary>Slots scored by the profile, for <c>--emit-endpoint-scores</c> and the debug log.</summary>
    public ushort[] ScoredIndexes { get; private set; } = [];

    /// <summary>Weighted sums beside <see cref="ScoredIndexes"/>.</summary>
    public double[] ScoredTotals { get; private set; } = [];

    /// <summary>Used entries of <see cref="ScoredIndexes"/>; 0 where no scorer ran.</summary>
    public int ScoredCount { get; set; }

    public void SetTargetModel(ReadOnlySpan<byte> model) => Set(ref _targetModel, ref _targetModelLength, model);

    public void SetCacheSalt(ReadOnlySpan<byte> salt) => Set(ref _cacheSalt, ref _cacheSaltLength, salt);

    /// <summary>Appends an endpoint to <see cref="Picked"/>.</summary>
    public void AddPicked(Endpoint endpoint)
    {
        if (PickedCount == Picked.Length)
        {
            var picked = Picked;
            Array.Resize(ref picked, PickedCount * 2);
            Picked = picked;
        }

        Picked[PickedCount++] = endpoint;
    }

    /// <summary>Makes room for one decision: sizes the arrays, forgets an earlier outcome, keeps the request's input.</summary>
    internal void Begin(int capacity, int plugins, int producers)
    {
        Scratch.EnsureCapacity(capacity);
        if (ScoredIndexes.Length < capacity)
        {
            ScoredIndexes = new ushort[capacity];
            ScoredTotals = new double[capacity];
        }

        if (PluginTicks.Length != plugins)
        {
            PluginTicks = new long[plugins];
        }

        Array.Fill(PluginTicks, -1);
        while (PrefixMatches.Length < producers)
        {
            PrefixMatches = [.. PrefixMatches, new PrefixMatch()];
        }

        ForgetOutcome();
    }

    /// <summary>Forgets the request; keeps the memory.</summary>
    public void Reset()
    {
        Scan = null;
        Body = null;
        Headers = null;
        Subset = null;
        _targetModelLength = 0;
        _cacheSaltLength = 0;
        Tokens = null!;
        _ownTokens.Clear();
        foreach (var match in PrefixMatches)
        {
            match.Clear();
        }

        ForgetOutcome();
    }

    private void ForgetOutcome()
    {
        ScoredCount = 0;
        Array.Clear(Picked, 0, PickedCount);
        PickedCount = 0;
    }

    private static void Set(ref byte[] buffer, ref int length, ReadOnlySpan<byte> value)
    {
        if (buffer.Length < value.Length)
        {
            buffer = new byte[value.Length * 2];
        }

        value.CopyTo(buffer);
        length = value.Length;
    }
}
