using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Epp.Testing;

/// <summary>
/// The EPP as an operator runs it: the binary named by <c>EPP_BINARY</c>, else <c>artifacts/epp</c>, else the managed build beside the
/// tests. Started on free ports with its own folder of files; killed and cleaned up on dispose.
/// </summary>
public sealed class EppProcess : IAsyncDisposable
{
    /// <summary>The default policies plus LoRA affinity, over an endpoints file that is watched.</summary>
    public const string DefaultConfig = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins:
        - name: file-disc
          type: file-discovery
          parameters:
            path: @ENDPOINTS@
            watchFile: true
        - type: queue-scorer
        - type: kv-cache-utilization-scorer
        - type: prefix-cache-scorer
        - type: lora-affinity-scorer
        - type: max-score-picker
        schedulingProfiles:
        - name: default
          plugins:
          - {pluginRef: queue-scorer, weight: 1}
          - {pluginRef: kv-cache-utilization-scorer, weight: 1}
          - {pluginRef: prefix-cache-scorer, weight: 1}
          - {pluginRef: lora-affinity-scorer, weight: 1}
          - {pluginRef: max-score-picker}
        dataLayer:
          discovery:
            pluginRef: file-disc

        """;

    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(10) };

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly string _folder;

    private EppProcess(Process process, string folder, int grpcPort, int healthPort, int metricsPort, bool tls)
    {
        (_process, _folder, GrpcPort, HealthPort, MetricsPort) = (process, folder, grpcPort, healthPort, metricsPort);
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        Channel = new GrpcChannel(grpcPort, tls);
    }

    public int GrpcPort { get; }

    public int HealthPort { get; }

    public int MetricsPort { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>One HTTP/2 connection to the ext_proc port.</summary>
    public GrpcChannel Channel { get; }

    /// <summary>The endpoints file, watched by the EPP.</summary>
    public string EndpointsFile => Path.Combine(_folder, "endpoints.yaml");

    /// <summary>The configuration file.</summary>
    public string ConfigFile => Path.Combine(_folder, "config.yaml");

    /// <summary>Everything written to standard output and error so far.</summary>
    public string LogText => string.Join('\n', _log);

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            var line = File.ReadLines($"/proc/{Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return 1024 * long.Parse(line.AsSpan(6, line.Length - 8), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Program and leading arguments of the EPP under test.</summary>
    public static (string Program, string[] Arguments) Command
    {
        get
        {
            var binary = Environment.GetEnvironmentVariable("EPP_BINARY");
            if (!string.IsNullOrEmpty(binary))
            {
                Assert.True(File.Exists(binary), $"EPP_BINARY names {binary}, which does not exist.");
                return (binary, []);
            }

            var published = Path.Combine(SharedTools.Repository ?? ".", "artifacts", "epp");
            return File.Exists(published) ? (published, []) : ("dotnet", [Path.Combine(AppContext.BaseDirectory, "epp.dll")]);
        }
    }

    /// <summary>The published Native AOT binary; skips the test where there is only the managed build.</summary>
    public static string RequireBinary()
    {
        var (program, arguments) = Command;
        Skip.If(arguments.Length > 0, "No published binary: run `make aot`, or set EPP_BINARY.");
        return program;
    }

    /// <summary>Starts the EPP and returns once all its ports answer.</summary>
    public static async Task<EppProcess> StartAsync(EppOptions options)
    {
        var epp = Launch(options);
        try
        {
            await epp.WaitForPortsAsync();
            return epp;
        }
        catch
        {
            await epp.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the EPP without waiting for it.</summary>
    public static EppProcess Launch(EppOptions options)
    {
        var folder = Directory.CreateTempSubdirectory("epp-test-").FullName;
        var endpoints = Path.Combine(folder, "endpoints.yaml");
        File.WriteAllText(endpoints, EndpointsYaml(options.Endpoints));
        var config = Path.Combine(folder, "config.yaml");
        File.WriteAllText(config, (options.Config ?? DefaultConfig).Replace("@ENDPOINTS@", endpoints, StringComparison.Ordinal));
        var (grpc, health, metrics) = (options.GrpcPort == 0 ? Ports.Free() : options.GrpcPort, Ports.Free(), Ports.Free());
        var (program, leading) = Command;
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        string[] picker =
        [
            "--pool-name", "pool", .. options.NoConfig ? Array.Empty<string>() : ["--config-file", config], "--enable-grpc-stream-metrics",
            $"--secure-serving={(options.Tls ? "true" : "false")}",
        ];
        string[] arguments =
        [
            .. leading, .. options.Subcommand is { } subcommand ? [subcommand, .. options.Tls ? Array.Empty<string>() : ["--secure-serving=false"]] : picker,
            $"--grpc-port={grpc}", $"--grpc-health-port={health}", $"--metrics-port={metrics}", .. options.Flags,
        ];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (key, value) in options.Environment)
        {
            start.Environment[key] = value;
        }

        return new EppProcess(ChildProcesses.Start(start), folder, grpc, health, metrics, options.Tls);
    }

    /// <summary>The text of an endpoints file.</summary>
    public static string EndpointsYaml(IReadOnlyList<string> endpoints)
    {
        var text = new StringBuilder(endpoints.Count == 0 ? "endpoints: []\n" : "endpoints:\n");
        for (var i = 0; i < endpoints.Count; i++)
        {
            var colon = endpoints[i].LastIndexOf(':');
            text.Append(CultureInfo.InvariantCulture, $"- name: e{i}\n  address: {endpoints[i][..colon]}\n  port: \"{endpoints[i][(colon + 1)..]}\"\n");
        }

        return text.ToString();
    }

    /// <summary>Replaces the endpoints file the way a config map does: a new file renamed over the old one.</summary>
    public void WriteEndpoints(string text)
    {
        var next = EndpointsFile + ".next";
        File.WriteAllText(next, text);
        File.Move(next, EndpointsFile, overwrite: true);
    }

    /// <summary>The whole exposition of the metrics port.</summary>
    public async Task<MetricsText> MetricsAsync() => MetricsText.Parse(await Http.GetStringAsync($"http://127.0.0.1:{MetricsPort}/metrics"));

    /// <summary>Waits until every sample of a metric with these labels adds up to a value.</summary>
    public async Task WaitForMetricAsync(string name, double value, params (string Label, string Value)[] labels)
    {
        var last = double.NaN;
        var watch = Stopwatch.StartNew();
        while ((last = (await MetricsAsync()).Sum(name, labels)) != value)
        {
            Assert.True(watch.Elapsed < Wait.Limit, $"{name}{{{string.Join(',', labels)}}} is {last} after {Wait.Limit.TotalSeconds:0} s, expected {value}.\n{LogText}");
            await Task.Delay(10);
        }
    }

    /// <summary>
    /// Waits until the EPP has applied the loads that the workers report now: a scrape that began after this call was answered with
    /// them, and the one after it can only begin once that answer was applied.
    /// </summary>
    public static async Task WaitForLoadsAsync(params FakeWorker[] workers)
    {
        var seen = workers.Select(w => w.Scrapes).ToArray();
        for (var i = 0; i < workers.Length; i++)
        {
            var (worker, from) = (workers[i], seen[i]);
            await Wait.UntilAsync(() => worker.Scrapes >= from + 3, what: $"worker {worker.HostPort} is scraped");
        }
    }

    /// <summary>Sends a signal by name, such as TERM.</summary>
    public void Signal(string name)
    {
        var (code, _, errors) = SharedTools.Run("/bin/kill", ["-s", name, Id.ToString(CultureInfo.InvariantCulture)], TimeSpan.FromSeconds(5));
        Assert.True(code == 0, errors);
    }

    /// <summary>Waits for the process to end and returns its exit code.</summary>
    public async Task<int> ExitAsync(TimeSpan? limit = null)
    {
        using var source = new CancellationTokenSource(limit ?? Wait.Limit);
        await _process.WaitForExitAsync(source.Token);
        return _process.ExitCode;
    }

    public ValueTask DisposeAsync()
    {
        Channel.Dispose();
        ChildProcesses.Kill(_process);
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Waits until ext_proc, health and metrics ports accept connections; fails with the log when the process ends.</summary>
    public async Task WaitForPortsAsync()
    {
        foreach (var port in new[] { GrpcPort, HealthPort, MetricsPort })
        {
            await Wait.UntilAsync(
                async () =>
                {
                    Assert.False(_process.HasExited, $"The EPP ended while starting:\n{LogText}");
                    return await AcceptsAsync(port);
                },
                TimeSpan.FromSeconds(30),
                $"the EPP listens on {port}; its log:\n{LogText}");
        }
    }

    private static async Task<bool> AcceptsAsync(int port)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            _log.Enqueue(line);
        }
    }
}
