using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Epp.Testing;

/// <summary>What a worker does with a request.</summary>
public enum WorkerMode
{
    /// <summary>JSON, or SSE when the request asks for it.</summary>
    Normal,

    /// <summary>500 with JSON.</summary>
    Error500,

    /// <summary>Cuts the connection after the first bytes of the response; hold it, lest they be lost with it.</summary>
    ResetMidStream,

    /// <summary>Answers only when <see cref="FakeWorker.Release"/> is called.</summary>
    Hold,
}

/// <summary>One request as a worker received it.</summary>
public sealed record ReceivedRequest(
    string Method, string Path, string Protocol, IReadOnlyList<(string Name, string Value)> Headers, long BodyBytes, string Sha256, string BodyHead,
    IReadOnlyList<(string Name, string Value)> Trailers, Task Aborted)
{
    /// <summary>All values of a header, in order.</summary>
    public IReadOnlyList<string> Values(string name) => [.. Headers.Where(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(h => h.Value)];
}

/// <summary>
/// A vLLM-like worker in this process: <c>/metrics</c> with settable load, any other path answered as <see cref="Mode"/> says. Speaks
/// HTTP/1.1 and HTTP/2 without TLS on the same port. Records every request.
/// </summary>
public sealed partial class FakeWorker : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentQueue<ReceivedRequest> _received = new();
    private volatile TaskCompletionSource _gate = Opened();
    private int _scrapes;

    private FakeWorker(WebApplication application, string address, int port)
    {
        (_application, Address, Port) = (application, address, port);
        application.Run(ServeAsync);
    }

    public string Address { get; }

    public int Port { get; }

    public string HostPort => $"{Address}:{Port}";

    /// <summary>Requests other than scrapes, oldest first.</summary>
    public IReadOnlyCollection<ReceivedRequest> Received => _received;

    /// <summary>How often <c>/metrics</c> was read.</summary>
    public int Scrapes => Volatile.Read(ref _scrapes);

    public int Waiting { get; set; }

    public int Running { get; set; }

    public double KvUsage { get; set; }

    /// <summary>Reports the KV usage also by the name that vLLM had before.</summary>
    public bool OldKvName { get; set; }

    public IReadOnlyList<string> ActiveAdapters { get; set; } = [];

    public IReadOnlyList<string> WaitingAdapters { get; set; } = [];

    public int MaxAdapters { get; set; } = 2;

    /// <summary>Status of <c>/metrics</c>; anything but 200 makes the scrape fail.</summary>
    public int MetricsStatus { get; set; } = 200;

    public WorkerMode Mode { get; set; }

    /// <summary>Bytes of the text in a non-streaming answer; 0 = a short one.</summary>
    public int ResponseTextBytes { get; set; }

    /// <summary>Adds response trailers; seen by HTTP/2 clients.</summary>
    public bool SendTrailers { get; set; }

    /// <summary>More response headers; a name may repeat.</summary>
    public IReadOnlyList<(string Name, string Value)> ResponseHeaders { get; set; } = [];

    /// <summary>Data events of a streamed answer before <c>[DONE]</c>.</summary>
    public int Events { get; set; } = 5;

    /// <summary>Starts a worker; port 0 = a free one.</summary>
    public static async Task<FakeWorker> StartAsync(int port = 0, string address = "127.0.0.1")
    {
        port = port == 0 ? Ports.Free() : port;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.AllowAlternateSchemes = true;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Parse(address), port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.Use(PlainHttp2.DetectAsync);
            });
        });
        var worker = new FakeWorker(builder.Build(), address, port);
        await worker._application.StartAsync();
        return worker;
    }

    /// <summary>Starts workers on one free port of 127.0.0.1, 127.0.0.2, …, as pods of one pool have it.</summary>
    public static async Task<FakeWorker[]> StartPoolAsync(int count)
    {
        var workers = new FakeWorker[count];
        var port = Ports.Free();
        for (var i = 0; i < count; i++)
        {
            workers[i] = await StartAsync(port, $"127.0.0.{i + 1}");
        }

        return workers;
    }

    /// <summary>Sets what <c>/metrics</c> reports.</summary>
    public void Load(int waiting, double kvUsage, params string[] activeAdapters) =>
        (Waiting, KvUsage, ActiveAdapters) = (waiting, kvUsage, activeAdapters);

    /// <summary>From now on answers stop after their first event (SSE), or before their first byte (<see cref="WorkerMode.Hold"/>).</summary>
    public void Hold() => _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lets held answers go on, and later ones through.</summary>
    public void Release() => _gate.TrySetResult();

    /// <summary>Back to an idle worker that answers; what it received is kept.</summary>
    public void Reset()
    {
        Release();
        (Waiting, Running, KvUsage, OldKvName, ActiveAdapters, WaitingAdapters, MetricsStatus) = (0, 0, 0, false, [], [], 200);
        (Mode, ResponseTextBytes, SendTrailers, ResponseHeaders, Events) = (WorkerMode.Normal, 0, false, [], 5);
    }

    /// <summary>The exposition that a scrape gets.</summary>
    public string MetricsText()
    {
        var text = new StringBuilder();
        void Gauge(string name, string labels, string value) =>
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} x\n# TYPE {name} gauge\n{name}{{{labels}}} {value}\n");
        const string Labels = "engine=\"0\",model_name=\"m\"";
        Gauge("vllm:num_requests_running", Labels, Running.ToString("0.0", CultureInfo.InvariantCulture));
        Gauge("vllm:num_requests_waiting", Labels, Waiting.ToString("0.0", CultureInfo.InvariantCulture));
        Gauge("vllm:kv_cache_usage_perc", Labels, KvUsage.ToString(CultureInfo.InvariantCulture));
        if (OldKvName)
        {
            Gauge("vllm:gpu_cache_usage_perc", Labels, KvUsage.ToString(CultureInfo.InvariantCulture));
        }

        Gauge("vllm:cache_config_info", "block_size=\"16\",num_gpu_blocks=\"4096\"", "1.0");
        Gauge(
            "vllm:lora_requests_info",
            $"max_lora=\"{MaxAdapters}\",running_lora_adapters=\"{string.Join(',', ActiveAdapters)}\",waiting_lora_adapters=\"{string.Join(',', WaitingAdapters)}\"",
            "1.7e9");
        return text.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        Release();
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }

    private static TaskCompletionSource Opened()
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        source.SetResult();
        return source;
    }
}
