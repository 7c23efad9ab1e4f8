using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Epp.Testing;

namespace Epp.E2E.Tests;

/// <summary>
/// A real Envoy with the recorded configuration, three EPPs (default, scores, multi) on the ports it names, and five workers: 127.0.0.1
/// on 18000-18003 and 127.0.0.2 on 18000.
/// </summary>
public sealed class EnvoyGateway : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _log = new();
    private FixedPorts? _ports;
    private Process? _envoy;

    /// <summary>Endpoints in pool order; the last has an address of its own.</summary>
    public static IReadOnlyList<string> Endpoints { get; } = ["127.0.0.1:18000", "127.0.0.1:18001", "127.0.0.1:18002", "127.0.0.1:18003", "127.0.0.2:18000"];

    public FakeWorker[] Workers { get; private set; } = [];

    /// <summary>The EPP behind most listeners.</summary>
    public EppProcess Default { get; private set; } = null!;

    public EppProcess Scores { get; private set; } = null!;

    public EppProcess Multi { get; private set; } = null!;

    public HttpClient Client { get; } = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(20) };

    /// <summary>What Envoy wrote: access log lines as JSON, warnings as text.</summary>
    public string LogText => string.Join('\n', _log);

    /// <summary>This gateway; skips the test where Envoy or its configuration is not available.</summary>
    public EnvoyGateway Require()
    {
        SharedTools.RequireData("envoy/envoy.yaml");
        SharedTools.Require("envoy");
        return this;
    }

    public async Task InitializeAsync()
    {
        if (SharedTools.Folder is null)
        {
            return;
        }

        try
        {
            await StartAsync();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync()
    {
        if (_envoy is not null)
        {
            ChildProcesses.Kill(_envoy);
            _envoy.Dispose();
        }

        foreach (var epp in new[] { Default, Scores, Multi })
        {
            if (epp is not null)
            {
                await epp.DisposeAsync();
            }
        }

        foreach (var worker in Workers)
        {
            if (worker is not null)
            {
                await worker.DisposeAsync();
            }
        }

        Client.Dispose();
        _ports?.Dispose();
    }

    /// <summary>Makes one endpoint idle, a second nearly so, the others busy, and waits until every EPP decides by it.</summary>
    public async Task PreferAsync(string best, string? second = null)
    {
        foreach (var worker in Workers)
        {
            worker.Reset();
            worker.Load(worker.HostPort == best ? 0 : worker.HostPort == second ? 2 : 20, worker.HostPort == best ? 0.05 : worker.HostPort == second ? 0.1 : 0.9);
        }

        // Three EPPs scrape each worker; the gauges tell what each of them has applied.
        foreach (var epp in new[] { Default, Scores, Multi })
        {
            for (var i = 0; i < Workers.Length; i++)
            {
                await epp.WaitForMetricAsync("inference_pool_per_pod_queue_size", Workers[i].Waiting, ("model_server_pod", $"e{i}"));
            }
        }
    }

    /// <summary>A POST of a chat request to a listener.</summary>
    public async Task<HttpResponseMessage> PostAsync(
        int port, string body, bool http2 = false, HttpCompletionOption completion = HttpCompletionOption.ResponseContentRead, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://127.0.0.1:{port}/v1/chat/completions"))
        {
            Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json"),
            Version = http2 ? new Version(2, 0) : new Version(1, 1),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Client.SendAsync(request, completion);
    }

    public async Task<HttpResponseMessage> GetAsync(int port) => await Client.GetAsync(new Uri($"http://127.0.0.1:{port}/v1/models"));

    /// <summary>The access log line of a path on a listener, once it is written.</summary>
    public async Task<JsonElement> AccessLogAsync(int port, string path)
    {
        JsonElement found = default;
        await Wait.UntilAsync(
            () =>
            {
                foreach (var line in _log.Where(l => l.StartsWith('{')))
                {
                    var row = JsonDocument.Parse(line).RootElement;
                    if (row.GetProperty("listener").GetString() == port.ToString() && row.GetProperty("path").GetString() == path)
                    {
                        found = row;
                        return true;
                    }
                }

                return false;
            },
            what: $"Envoy logs {path} on {port}:\n{LogText}");
        return found;
    }

    private async Task StartAsync()
    {
        _ports = await FixedPorts.TakeAsync();
        Workers = new FakeWorker[Endpoints.Count];
        for (var i = 0; i < Workers.Length; i++)
        {
            var colon = Endpoints[i].IndexOf(':');
            Workers[i] = await FakeWorker.StartAsync(int.Parse(Endpoints[i][(colon + 1)..]), Endpoints[i][..colon]);
        }

        Default = await StartEppAsync("default", 22000);
        Scores = await StartEppAsync("scores", 22040);
        Multi = await StartEppAsync("multi", 22050);
        await StartEnvoyAsync();
    }

    private static Task<EppProcess> StartEppAsync(string name, int port)
    {
        var folder = SharedTools.RequireData("transcripts/configs");
        var flags = Path.Combine(folder, name + ".flags");
        return EppProcess.StartAsync(new EppOptions
        {
            Config = File.ReadAllText(Path.Combine(folder, name + ".yaml")),
            Flags = File.Exists(flags) ? File.ReadAllText(flags).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) : [],
            Endpoints = Endpoints,
            GrpcPort = port,
        });
    }

    private async Task StartEnvoyAsync()
    {
        var start = new ProcessStartInfo(
            SharedTools.Require("envoy"),
            ["-c", SharedTools.RequireData("envoy/envoy.yaml"), "--concurrency", "1", "-l", "warning", "--disable-hot-restart"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        _envoy = ChildProcesses.Start(start);
        _envoy.OutputDataReceived += (_, line) => Keep(line.Data);
        _envoy.ErrorDataReceived += (_, line) => Keep(line.Data);
        _envoy.BeginOutputReadLine();
        _envoy.BeginErrorReadLine();
        await Wait.UntilAsync(
            async () =>
            {
                Assert.False(_envoy.HasExited, $"Envoy ended while starting:\n{LogText}");
                try
                {
                    return (await Client.GetStringAsync(new Uri("http://127.0.0.1:21999/ready"))).StartsWith("LIVE", StringComparison.Ordinal);
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            TimeSpan.FromSeconds(60),
            "Envoy is ready");
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            _log.Enqueue(line);
        }
    }
}
