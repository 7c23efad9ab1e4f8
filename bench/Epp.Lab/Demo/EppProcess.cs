using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Epp.Lab.Wire;

namespace Epp.Lab.Demo;

/// <summary>An EPP in a child process over a fixed set of workers (file discovery); stopped and cleaned up on dispose.</summary>
internal sealed class EppProcess : IAsyncDisposable
{
    readonly Process _process;
    readonly string _folder;
    readonly Queue<string> _lastLines = new();

    EppProcess(Process process, string folder, int grpcPort, int healthPort, int metricsPort)
    {
        (_process, _folder, GrpcPort, HealthPort, MetricsPort) = (process, folder, grpcPort, healthPort, metricsPort);
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
    }

    public int GrpcPort { get; }

    public int HealthPort { get; }

    public int MetricsPort { get; }

    /// <summary>Starts an EPP and waits until its health service says SERVING.</summary>
    /// <param name="epp">A binary, or a .dll run by dotnet.</param>
    /// <param name="config">An <see cref="EppConfig"/>.</param>
    /// <param name="workers">The pool.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <param name="flags">Further flags.</param>
    public static async Task<EppProcess> StartAsync(string epp, string config, WorkerSet workers, CancellationToken cancel, params string[] flags)
    {
        if (!File.Exists(epp))
        {
            throw new UsageException($"--epp: there is no file {epp}; build it with 'make build' or 'make aot'");
        }
        var folder = Directory.CreateTempSubdirectory("epp-lab-").FullName;
        var endpoints = Path.Combine(folder, "endpoints.yaml");
        var configFile = Path.Combine(folder, "config.yaml");
        await File.WriteAllLinesAsync(endpoints, ["endpoints:", .. workers.Ports.Select((port, i) => $"- {{name: {workers.NameOf(i)}, address: 127.0.0.1, port: \"{port}\"}}")], cancel).ConfigureAwait(false);
        await File.WriteAllTextAsync(configFile, config.Replace(EppConfig.Endpoints, endpoints, StringComparison.Ordinal), cancel).ConfigureAwait(false);

        var ports = FreePorts(3);
        string[] command = epp.EndsWith(".dll", StringComparison.Ordinal) ? ["dotnet", epp] : [epp];
        command =
        [
            // The kernel ends the EPP when this process dies, however it dies.
            .. File.Exists("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "TERM", "--"] : Array.Empty<string>(),
            .. command,
            "--pool-name", "demo", "--config-file", configFile, "--secure-serving=false", "-v", "2",
            "--grpc-port", Text(ports[0]), "--grpc-health-port", Text(ports[1]), "--metrics-port", Text(ports[2]), .. flags,
        ];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (workers.Nats.Length > 0)
        {
            start.Environment["NATS_SERVER"] = workers.Nats;
        }
        var instance = new EppProcess(await StartAsync(start).ConfigureAwait(false), folder, ports[0], ports[1], ports[2]);
        instance._process.BeginOutputReadLine();
        instance._process.BeginErrorReadLine();
        try
        {
            await instance.WaitUntilServingAsync(cancel).ConfigureAwait(false);
            return instance;
        }
        catch
        {
            await instance.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// The death signal comes when the thread that started the child ends, and threads of the pool end when there is little to do: a thread of
    /// its own starts it and stays until this process ends.
    /// </summary>
    static Task<Process> StartAsync(ProcessStartInfo start)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                started.SetResult(Process.Start(start)!);
            }
            catch (Exception e)
            {
                started.SetException(e);
                return;
            }
            Thread.Sleep(Timeout.Infinite);
        }) { IsBackground = true }.Start();
        return started.Task;
    }

    async Task WaitUntilServingAsync(CancellationToken cancel)
    {
        var deadline = Stopwatch.StartNew();
        using var client = GrpcStream.CreateClient();
        while (true)
        {
            if (_process.HasExited)
            {
                throw new UsageException($"the EPP exited with code {_process.ExitCode}; its last lines:\n{LastLines()}");
            }
            if (await IsServingAsync(client, HealthPort, cancel).ConfigureAwait(false))
            {
                return;
            }
            if (deadline.Elapsed > TimeSpan.FromSeconds(20))
            {
                throw new UsageException($"the EPP did not become ready within 20 s on health port {HealthPort}; its last lines:\n{LastLines()}");
            }
            await Task.Delay(50, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>grpc.health.v1.Health/Check: an empty request; the answer is `status` (field 1) = SERVING (1).</summary>
    internal static async Task<bool> IsServingAsync(HttpMessageInvoker client, int port, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            var call = GrpcStream.Open(client, new Uri($"http://127.0.0.1:{port}"), "/grpc.health.v1.Health/Check", limit.Token);
            await using var _ = call.ConfigureAwait(false);
            await call.WriteAsync(ReadOnlyMemory<byte>.Empty).ConfigureAwait(false);
            call.CompleteWriting();
            return await call.ReadAsync().ConfigureAwait(false) is [8, 1];
        }
        catch (Exception e) when (e is HttpRequestException or IOException or WireException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return false;
        }
    }

    /// <summary>Ports that were free a moment ago; all are held until the last is chosen, so that they differ.</summary>
    static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(static _ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var listener in listeners)
        {
            listener.Start();
        }
        var ports = listeners.Select(static l => ((IPEndPoint)l.LocalEndpoint).Port).ToArray();
        foreach (var listener in listeners)
        {
            listener.Dispose();
        }
        return ports;
    }

    void Keep(string? line)
    {
        lock (_lastLines)
        {
            if (line is not null)
            {
                _lastLines.Enqueue(line);
            }
            while (_lastLines.Count > 20)
            {
                _lastLines.Dequeue();
            }
        }
    }

    /// <summary>Whether the process still runs, and what it said last.</summary>
    public string Describe() => (_process.HasExited ? $"it exited with code {_process.ExitCode}" : "it runs") + $"; its last lines:\n{LastLines()}";

    string LastLines()
    {
        lock (_lastLines)
        {
            return string.Join('\n', _lastLines);
        }
    }

    static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using var kill = Process.Start("kill", ["-TERM", Text(_process.Id)]);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3));
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!_process.HasExited)
            {
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
