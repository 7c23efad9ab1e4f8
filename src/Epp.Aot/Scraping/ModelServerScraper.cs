using Epp.Aot.Telemetry;
using Epp.Native.Pool;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Scraping;

/// <summary>
/// Scrapes every endpoint of the pool at the configured interval and stores what it finds in the pool. Plain http is served by one thread
/// that wakes every 10 ms while anything is due: a request goes out at one tick and its answer is picked up, whole, at the next, so a
/// scrape costs two or three system calls and one parse. https runs on <see cref="HttpsScrapeLoop"/>.
/// </summary>
public sealed class ModelServerScraper : IDisposable
{
    /// <summary>Coarse on purpose: every wake-up is paid for, and 10 ms is a fifth of the default interval.</summary>
    private const long TickMs = 10;

    /// <summary>So many endpoints are asked together before the interval is divided further: a wake-up costs as much as several scrapes.</summary>
    private const int EndpointsPerSlot = 16;

    private const int SharedBufferBytes = 512 << 10;

    private readonly ScrapeContext _context;
    private readonly AutoResetEvent _wake = new(false);
    private readonly byte[] _shared = new byte[SharedBufferBytes];
    private readonly HttpsScrapeLoop? _https;
    private ScrapeConnection[] _connections = [];
    private long _generation = -1;
    private Thread? _thread;
    private volatile bool _stopping;

    /// <param name="pool">Where endpoints come from and readings go.</param>
    /// <param name="options">What to ask, how often.</param>
    /// <param name="time">Clock of deadlines and of the readings' age.</param>
    /// <param name="metrics">Counts errors and durations.</param>
    /// <param name="logger">One line per change of an endpoint's state.</param>
    public ModelServerScraper(Pool pool, ScraperOptions options, TimeProvider time, EppMetrics metrics, ILogger logger)
    {
        _context = new ScrapeContext(pool, options, time, metrics, logger);
        _https = options.Scheme == "https" ? new HttpsScrapeLoop(_context) : null;
    }

    /// <summary>The connections of the last tick.</summary>
    internal IReadOnlyList<ScrapeConnection> Connections => _connections;

    /// <summary>Starts scraping; call once.</summary>
    public void Start()
    {
        _context.Pool.Published += OnPublished;
        if (_https is not null)
        {
            _https.Sync();
            return;
        }

        _thread = new Thread(Run) { IsBackground = true, Name = "epp-scrape" };
        _thread.Start();
    }

    /// <summary>Stops scraping and closes every connection. The wake-up event is left to the collector: a publish may be using it.</summary>
    public void Dispose()
    {
        _context.Pool.Published -= OnPublished;
        _stopping = true;
        _wake.Set();
        _thread?.Join();
        _https?.Dispose();
    }

    /// <summary>Steps every connection once.</summary>
    /// <returns>When the next step is wanted, in monotonic milliseconds; <see cref="long.MaxValue"/> without endpoints.</returns>
    internal long Tick()
    {
        var now = _context.NowMs;
        Sync(now);
        var wake = long.MaxValue;
        foreach (var connection in _connections)
        {
            try
            {
                connection.Step(now, _shared);
            }
            catch (Exception e)
            {
                ScrapeLog.Unexpected(_context.Logger, connection.Target.Endpoint, e);
                connection.Dispose();
            }

            wake = Math.Min(wake, connection.WakeMs);
        }

        return wake;
    }

    private void OnPublished(PoolSnapshot snapshot)
    {
        if (_https is not null)
        {
            _https.Sync();
        }
        else
        {
            _wake.Set();
        }
    }

    private void Run()
    {
        while (!_stopping)
        {
            var wake = Tick();
            if (wake == long.MaxValue)
            {
                _wake.WaitOne();
                continue;
            }

            // Up to the next multiple of the tick: endpoints due in between are served together.
            var now = _context.NowMs;
            var next = Math.Max(now + 1, wake);
            next = (next + TickMs - 1) / TickMs * TickMs;
            _wake.WaitOne((int)Math.Min(next - now, 60_000));
        }

        foreach (var connection in _connections)
        {
            connection.Dispose();
        }
    }

    private void Sync(long now)
    {
        var snapshot = _context.Pool.Current;
        if (snapshot.Generation == _generation)
        {
            return;
        }

        _generation = snapshot.Generation;
        var old = _connections.ToDictionary<ScrapeConnection, Endpoint>(c => c.Target.Endpoint, ReferenceEqualityComparer.Instance);
        var next = new List<ScrapeConnection>(snapshot.Count);
        var ports = new ScrapePorts(_context.Options, snapshot);
        foreach (var i in snapshot.Indexes)
        {
            var port = ports.Of(snapshot[i]);
            if (old.TryGetValue(snapshot[i], out var kept) && kept.Target.Port == port)
            {
                old.Remove(snapshot[i]);
                next.Add(kept);
            }
            else
            {
                next.Add(new ScrapeConnection(_context, new ScrapeTarget(_context, snapshot[i], port), now));
            }
        }

        foreach (var gone in old.Values)
        {
            gone.Dispose();
        }

        _connections = [.. next];
        var slots = Math.Clamp((_connections.Length + EndpointsPerSlot - 1) / EndpointsPerSlot, 1, Math.Max(1, _context.Options.IntervalMs / TickMs));
        foreach (var connection in _connections)
        {
            connection.Spread(slots);
        }
    }
}
