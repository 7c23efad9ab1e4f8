using System.Text;
using Epp.Aot.Telemetry;
using Epp.Native.Pool;
using Epp.Native.Wire;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Scraping;

/// <summary>What all scrapes share.</summary>
internal sealed class ScrapeContext(Pool pool, ScraperOptions options, TimeProvider time, EppMetrics metrics, ILogger logger)
{
    private int _saidOtherKvName;

    public Pool Pool { get; } = pool;

    public ScraperOptions Options { get; } = options;

    public TimeProvider Time { get; } = time;

    public EppMetrics Metrics { get; } = metrics;

    public ILogger Logger { get; } = logger;

    public long NowMs => EppMetrics.MonotonicMs(Time);

    public void SayOtherKvName(Endpoint endpoint)
    {
        if (Interlocked.Exchange(ref _saidOtherKvName, 1) == 0)
        {
            ScrapeLog.OtherKvName(Logger, endpoint);
        }
    }

    /// <summary>The engine of an endpoint: its label, the legacy label, else the default; unknown names mean the default too.</summary>
    public EngineMetricsSpec EngineOf(Endpoint endpoint)
    {
        var name = endpoint.Labels.GetValueOrDefault(Options.EngineLabel) ?? endpoint.Labels.GetValueOrDefault(ScraperOptions.LegacyEngineLabel);
        return (name is null ? null : Find(name)) ?? Find(Options.DefaultEngine) ?? EngineMetricsSpec.BuiltIn[0];
    }

    private EngineMetricsSpec? Find(string name) =>
        Options.Engines?.FirstOrDefault(e => e.Name == name) ?? EngineMetricsSpec.BuiltIn.FirstOrDefault(e => e.Name == name);
}

/// <summary>Outcome of handing an answer to <see cref="ScrapeTarget.Accept"/>.</summary>
internal enum ScrapeVerdict
{
    Done = 0,

    /// <summary>Ask again at once, at <see cref="ScrapeTarget.Path"/>, which changed.</summary>
    AskOtherPath,
}

/// <summary>One endpoint as a scrape sees it: engine, path, memory between expositions, live or failed. One scrape at a time.</summary>
internal sealed class ScrapeTarget
{
    private const string TrtllmPath = "/prometheus/metrics";

    private readonly ScrapeContext _context;
    private readonly EngineMetricsSpec _engine;
    private readonly EngineScrapeState _state = new();
    private readonly bool _hasOtherPath;
    private bool _failed;
    private bool _otherPath;
    private bool _switched;

    public ScrapeTarget(ScrapeContext context, Endpoint endpoint, int port)
    {
        _context = context;
        _engine = context.EngineOf(endpoint);
        _hasOtherPath = _engine.Name == "trtllm-serve" && context.Options.Path == "/metrics";
        Endpoint = endpoint;
        Port = port;
        Request = BuildRequest();
    }

    public Endpoint Endpoint { get; }

    public int Port { get; }

    /// <summary>Path to ask for; trtllm-serve serves JSON at <c>/metrics</c> and the text elsewhere.</summary>
    public string Path => _otherPath ? TrtllmPath : _context.Options.Path;

    /// <summary>The request for <see cref="Path"/>, ready to send.</summary>
    public byte[] Request { get; private set; }

    /// <summary>Authority of a URL and of the Host header.</summary>
    public string Authority => Endpoint.Address.Contains(':', StringComparison.Ordinal) ? $"[{Endpoint.Address}]:{Port}" : $"{Endpoint.Address}:{Port}";

    /// <summary>Stores a complete answer in the pool, or says that another path is to be asked.</summary>
    public ScrapeVerdict Accept(int status, ReadOnlySpan<byte> body, double seconds)
    {
        var outcome = ExpositionOutcome.NotText;
        var metrics = EndpointMetrics.None;
        if (status == 200)
        {
            outcome = PrometheusText.Parse(body, _engine, _state, out metrics);
        }

        if ((status == 404 || (status == 200 && outcome == ExpositionOutcome.NotText)) && _hasOtherPath && !_switched)
        {
            _switched = true;
            _otherPath = !_otherPath;
            Request = BuildRequest();
            return ScrapeVerdict.AskOtherPath;
        }

        _switched = false;
        if (status != 200 || outcome != ExpositionOutcome.Read)
        {
            Fail(Reason(status, outcome), seconds);
            return ScrapeVerdict.Done;
        }

        _context.Pool.Update(Endpoint, metrics, _context.NowMs);
        _context.Metrics.ScrapeSeconds.Observe(seconds);
        if (_state.UsedOtherKvName)
        {
            _context.SayOtherKvName(Endpoint);
        }

        if (_failed)
        {
            _failed = false;
            ScrapeLog.Recovered(_context.Logger, Endpoint);
        }

        return ScrapeVerdict.Done;
    }

    /// <summary>Counts a failed scrape; logs it where the endpoint was not failed before.</summary>
    public void Fail(string reason, double seconds)
    {
        _switched = false;
        _context.Pool.MarkFailed(Endpoint);
        _context.Metrics.PollErrors.Add();
        _context.Metrics.ScrapeSeconds.Observe(seconds);
        if (!_failed)
        {
            _failed = true;
            ScrapeLog.Failed(_context.Logger, Endpoint, reason);
        }
    }

    /// <summary>True while the last scrape failed.</summary>
    public bool IsFailed => _failed;

    private string Reason(int status, ExpositionOutcome outcome) => status != 200
        ? $"GET {Path} answered {status}, expected 200"
        : outcome == ExpositionOutcome.NotText
            ? $"GET {Path} answered something that is not Prometheus text; check path and port"
            : $"GET {Path} has none of the metrics of engine '{_engine.Name}'; set label {_context.Options.EngineLabel} or engineConfigs";

    private byte[] BuildRequest() => Encoding.ASCII.GetBytes(
        $"GET {Path} HTTP/1.1\r\nHost: {Authority}\r\nUser-Agent: epp\r\nAccept: text/plain;version=0.0.4\r\n\r\n");
}
