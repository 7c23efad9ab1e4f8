using Epp.Native.Pool;
using Epp.Native.Scheduling;

namespace Epp.Aot.Telemetry;

/// <summary>
/// The last picks, for the debug page: a fixed ring of entries written in place, without allocation and without waiting. A writer that
/// meets a reader, or another writer after a whole round, leaves its pick out. Holds no text of a prompt. Thread-safe.
/// </summary>
internal sealed class PickRing(TimeProvider time, int size = PickRing.DefaultSize)
{
    /// <summary>Picks kept; 256 entries of about 400 bytes.</summary>
    public const int DefaultSize = 256;

    private readonly Entry[] _entries = Make(size);
    private long _next;

    /// <summary>Picks since the start.</summary>
    public long Count => Volatile.Read(ref _next);

    /// <summary>Keeps one decision.</summary>
    /// <param name="routing">After the pick.</param>
    /// <param name="requestId">Value of <c>x-request-id</c>; may be empty.</param>
    /// <param name="pool">The snapshot it was decided on.</param>
    public void Add(RoutingRequest routing, ReadOnlySpan<byte> requestId, PoolSnapshot pool)
    {
        var number = Interlocked.Increment(ref _next);
        var entry = _entries[(int)((ulong)(number - 1) % (ulong)_entries.Length)];
        if (Interlocked.Exchange(ref entry.Busy, 1) != 0)
        {
            return;
        }

        entry.Number = number;
        entry.Ticks = time.GetUtcNow().Ticks;
        entry.RequestIdBytes = Copy(requestId, entry.RequestId);
        entry.ModelBytes = Copy(routing.TargetModel, entry.Model);
        entry.Endpoint = routing.PickedCount > 0 ? routing.Picked[0] : null;
        entry.Picked = routing.PickedCount;
        entry.Candidates = routing.ScoredCount;
        entry.Scores = 0;
        for (var i = 0; i < routing.ScoredCount && entry.Scores < Entry.MaxScores; i++)
        {
            if (pool.ByIndex[routing.ScoredIndexes[i]] is { } scored)
            {
                entry.Scored[entry.Scores] = scored;
                entry.Totals[entry.Scores++] = routing.ScoredTotals[i];
            }
        }

        Volatile.Write(ref entry.Busy, 0);
    }

    /// <summary>The kept picks, newest first.</summary>
    public IReadOnlyList<RecentPick> Read()
    {
        var picks = new List<RecentPick>(_entries.Length);
        foreach (var entry in _entries)
        {
            if (Interlocked.Exchange(ref entry.Busy, 1) != 0)
            {
                continue;
            }

            if (entry.Number > 0)
            {
                picks.Add(entry.ToPick());
            }

            Volatile.Write(ref entry.Busy, 0);
        }

        picks.Sort(static (a, b) => b.Number.CompareTo(a.Number));
        return picks;
    }

    private static Entry[] Make(int size)
    {
        var entries = new Entry[size];
        for (var i = 0; i < size; i++)
        {
            entries[i] = new Entry();
        }

        return entries;
    }

    private static int Copy(ReadOnlySpan<byte> from, byte[] to)
    {
        var bytes = Math.Min(from.Length, to.Length);
        from[..bytes].CopyTo(to);
        return bytes;
    }

    private sealed class Entry
    {
        /// <summary>Candidates whose scores are kept; all of them in a pool up to this size.</summary>
        public const int MaxScores = 16;

        /// <summary>1 while somebody reads or writes the entry.</summary>
        public int Busy;

        public long Number;
        public long Ticks;
        public int RequestIdBytes;
        public int ModelBytes;
        public int Picked;
        public int Candidates;
        public int Scores;
        public Endpoint? Endpoint;

        public byte[] RequestId { get; } = new byte[48];

        public byte[] Model { get; } = new byte[96];

        public Endpoint?[] Scored { get; } = new Endpoint?[MaxScores];

        public double[] Totals { get; } = new double[MaxScores];

        public RecentPick ToPick()
        {
            var pick = new RecentPick
            {
                Number = Number,
                Time = new DateTimeOffset(Ticks, TimeSpan.Zero),
                RequestId = Text(RequestId.AsSpan(0, RequestIdBytes)),
                Model = Text(Model.AsSpan(0, ModelBytes)),
                EndpointName = Endpoint?.Name ?? "",
                Endpoint = Endpoint?.HostPort ?? "",
                Picked = Picked,
                Candidates = Candidates,
                Scores = Totals[..Scores],
                ScoredEndpoints = new string[Scores],
            };
            for (var i = 0; i < Scores; i++)
            {
                pick.ScoredEndpoints[i] = Scored[i]!.HostPort;
            }

            return pick;
        }

        private static string Text(ReadOnlySpan<byte> utf8) => System.Text.Encoding.UTF8.GetString(utf8);
    }
}

/// <summary>One kept pick.</summary>
internal sealed class RecentPick
{
    public required long Number { get; init; }

    public required DateTimeOffset Time { get; init; }

    public required string RequestId { get; init; }

    public required string Model { get; init; }

    public required string EndpointName { get; init; }

    /// <summary><c>ip:port</c> of the destination.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Endpoints handed to the gateway.</summary>
    public required int Picked { get; init; }

    /// <summary>Endpoints that were scored.</summary>
    public required int Candidates { get; init; }

    /// <summary>The first 16 of them.</summary>
    public required string[] ScoredEndpoints { get; init; }

    /// <summary>Weighted sums beside <see cref="ScoredEndpoints"/>.</summary>
    public required double[] Scores { get; init; }
}
