using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Epp.Aot.Telemetry;
using Epp.Native.Wire;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Tracing;

/// <summary>
/// Sends finished spans in batches, over gRPC or HTTP, or writes them to the log. A batch that is not accepted is dropped and counted, with
/// one log line when that begins and one when it ends: a collector that is away costs nothing else.
/// </summary>
internal sealed class TraceExporter : IAsyncDisposable
{
    private readonly Tracer _tracer;
    private readonly TraceSettings _settings;
    private readonly string _version;
    private readonly EppMetrics _metrics;
    private readonly ILogger _logger;
    private readonly HttpClient? _client;
    private readonly CancellationTokenSource _stop = new();
    private readonly ProtoWriter _writer = new();
    private readonly List<TraceSpan> _batch = [];
    private bool _failing;
    private Task _run = Task.CompletedTask;

    /// <exception cref="IOException">The file of authorities cannot be read.</exception>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It holds no certificates.</exception>
    public TraceExporter(Tracer tracer, TraceSettings settings, string version, EppMetrics metrics, ILogger logger)
    {
        _tracer = tracer;
        _settings = settings;
        _version = version;
        _metrics = metrics;
        _logger = logger;
        _client = settings.Target == TraceTarget.Console ? null : new HttpClient(Handler(settings), disposeHandler: true) { Timeout = settings.Timeout };
    }

    public void Start() => _run = Task.Run(RunAsync);

    /// <summary>Sends what is left, for two seconds at most.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAny(_run, Task.Delay(TimeSpan.FromSeconds(2)));
        _client?.Dispose();
        _stop.Dispose();
    }

    private static SocketsHttpHandler Handler(TraceSettings settings)
    {
        var handler = new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5), UseProxy = false, AllowAutoRedirect = false, UseCookies = false };
        if (settings.CaFile is { } file)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(file);
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        }

        return handler;
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _tracer.Finished.WaitToReadAsync(_stop.Token);
                for (var waited = TimeSpan.Zero; waited < _settings.Delay && _tracer.Finished.Count < _settings.BatchSpans; waited += Step)
                {
                    await Task.Delay(Step, _stop.Token);
                }
            }
            catch (OperationCanceledException)
            {
                // The last round sends what is queued.
            }

            while (Take())
            {
                await SendAsync();
            }
        }
    }

    private TimeSpan Step => _settings.Delay < TimeSpan.FromMilliseconds(100) ? _settings.Delay : TimeSpan.FromMilliseconds(100);

    private bool Take()
    {
        while (_batch.Count < _settings.BatchSpans && _tracer.Finished.TryRead(out var span))
        {
            _batch.Add(span);
        }

        return _batch.Count > 0;
    }

    private async Task SendAsync()
    {
        var reason = "";
        if (_client is null)
        {
            WriteToLog();
        }
        else
        {
            OtlpEncoder.Encode(_writer, _batch, _settings.Resource, _version);
            try
            {
                reason = await PostAsync();
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
            {
                reason = e.Message;
            }
        }

        (reason.Length == 0 ? _metrics.TraceSpansExported : _metrics.TraceSpansDropped).Add(_batch.Count);
        if (reason.Length > 0 && !_failing)
        {
            TraceLog.ExportFails(_logger, _settings.Url!.ToString(), reason);
        }
        else if (reason.Length == 0 && _failing)
        {
            TraceLog.ExportWorks(_logger, _settings.Url!.ToString());
        }

        _failing = reason.Length > 0;
        _batch.ForEach(_tracer.Return);
        _batch.Clear();
    }

    /// <summary>Empty = accepted.</summary>
    private async Task<string> PostAsync()
    {
        var grpc = _settings.Target == TraceTarget.OtlpGrpc;
        if (grpc)
        {
            _writer.PrependGrpcPrefix();
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, _settings.Url)
        {
            Content = new ByteArrayContent(_writer.Written.ToArray()),
            Version = grpc ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = grpc ? HttpVersionPolicy.RequestVersionExact : HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(grpc ? "application/grpc" : "application/x-protobuf");
        if (grpc)
        {
            request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        }

        foreach (var (name, value) in _settings.Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await _client!.SendAsync(request);
        if (!response.IsSuccessStatusCode)
        {
            return $"HTTP {(int)response.StatusCode}";
        }

        if (!grpc)
        {
            return "";
        }

        var status = response.TrailingHeaders.TryGetValues("grpc-status", out var values) || response.Headers.TryGetValues("grpc-status", out values) ? values.First() : "missing";
        return status == "0" ? "" : $"grpc-status {status}";
    }

    private void WriteToLog()
    {
        Span<byte> header = stackalloc byte[TraceParent.Length];
        foreach (var span in _batch)
        {
            span.Context.Write(header);
            TraceLog.Span(
                _logger,
                OtlpEncoder.SpanName,
                System.Text.Encoding.ASCII.GetString(header),
                span.Parent.ToString("x16", System.Globalization.CultureInfo.InvariantCulture),
                (span.EndUnixNanoseconds - span.StartUnixNanoseconds) / 1e6,
                span.Series?.Model ?? "",
                span.Endpoint?.HostPort ?? span.ErrorCode);
        }
    }
}

/// <summary>Messages about traces. Ids: 1200.</summary>
internal static partial class TraceLog
{
    [LoggerMessage(EventId = 1200, Level = LogLevel.Warning, Message = "Traces are dropped until {Url} accepts them: {Reason}")]
    public static partial void ExportFails(ILogger logger, string url, string reason);

    [LoggerMessage(EventId = 1201, Level = LogLevel.Information, Message = "{Url} accepts traces again")]
    public static partial void ExportWorks(ILogger logger, string url);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Information, Message = "Span {Name} {TraceParent}, parent {Parent}, {Milliseconds} ms, model {Model}: {Outcome}")]
    public static partial void Span(ILogger logger, string name, string traceParent, string parent, double milliseconds, string model, string outcome);

    [LoggerMessage(EventId = 1203, Level = LogLevel.Information, Message = "Traces go to {Target}, {Percent} % of those that begin here")]
    public static partial void On(ILogger logger, string target, double percent);
}
