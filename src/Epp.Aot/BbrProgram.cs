using Epp.Aot.Bbr;
using Epp.Aot.Cli;
using Epp.Aot.ExtProc;
using Epp.Aot.Grpc;
using Epp.Aot.Hosting;
using Epp.Aot.Kubernetes;
using Epp.Aot.Telemetry;
using Microsoft.Extensions.Logging;

namespace Epp.Aot;

/// <summary><c>epp bbr</c>: the body-based router, composed from the same parts as the endpoint picker (contract §9.3).</summary>
internal static class BbrProgram
{
    private const int Failed = 1;

    /// <summary>Runs until SIGTERM; returns the exit code.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Func<string, string?> environment, TimeProvider time)
    {
        var flags = new FlagSet(BbrFlags.All, interspersed: true);
        flags.Parse(args);
        if (flags.HelpWanted)
        {
            Console.Out.Write("Usage of epp bbr:" + Environment.NewLine + flags.Help());
            return 0;
        }

        var start = BbrStart.Read(flags, environment);
        foreach (var error in start.Errors)
        {
            Console.Error.WriteLine("epp: " + error);
        }

        return start.Options is null ? BbrStart.BadFlags : await RunAsync(flags, start, start.Options, environment, time);
    }

    private static async Task<int> RunAsync(FlagSet flags, BbrStart start, BbrOptions options, Func<string, string?> environment, TimeProvider time)
    {
        using var logs = new LineLoggerProvider(
            Verbosity.IsJson(flags), Verbosity.Level(flags.Int("v"), flags.Text("zap-log-level")), time, Console.OpenStandardError());
        var log = logs.CreateLogger("bbr");
        foreach (var warning in flags.Warnings)
        {
            Log.ConfigurationWarning(log, warning);
        }

        var metrics = new BbrMetrics(options.Dialect, BuildVersion.Text, time);
        var models = options.WantsBaseModels ? new BaseModelStore(log) : null;
        var (access, missing) = new KubeAccessFinder(environment).Find(flags.Text("kubeconfig"));
        if (access is null && flags.Text("kubeconfig").Length > 0)
        {
            Console.Error.WriteLine("epp: " + missing);
            return Failed;
        }

        if (access is null)
        {
            // The second half of the reason advises endpoint pickers.
            BbrLog.NoKubernetes(log, missing.Split(';')[0]);
        }

        using var kubernetes = access is null ? null : new BbrKubernetes(access, models, start.Namespace, flags.Bool("metrics-endpoint-auth"), metrics, log, time);
        return await ServeAsync(flags, new BbrServices(options, models, metrics, time, logs.CreateLogger("ext_proc")), kubernetes, logs);
    }

    private static async Task<int> ServeAsync(FlagSet flags, BbrServices services, BbrKubernetes? kubernetes, LineLoggerProvider logs)
    {
        var log = logs.CreateLogger("bbr");
        using var tls = TlsSetup.TryOpen(flags, services.Metrics.Certificates, log, services.Time, out var unusable);
        if (tls is null)
        {
            Console.Error.WriteLine("epp: " + unusable);
            return Failed;
        }

        // Routing needs nothing but the request: ready from the first moment, whatever Kubernetes does.
        var readiness = new Readiness(new HealthSources(static () => true));
        var extProc = new Dictionary<string, GrpcMethod> { [ExtProcService.ProcessPath] = new BbrService(services).ProcessAsync };
        var health = new Dictionary<string, GrpcMethod>();
        new HealthService(readiness.Check, readiness.Listed).Register(health);
        new HealthService(readiness.CheckAtExtProc, Readiness.ListedAtExtProc).Register(extProc);
        var ports = new EppServerOptions(
            flags.Int("grpc-port"), flags.Int("grpc-health-port"), flags.Int("metrics-port"), tls.ExtProc, new GrpcOptions((int)flags.Quantity("grpc-max-recv-msg-size")), tls.Metrics);
        var page = new MetricsPort(new MetricsEndpoint(services.Metrics.Families), reviewer: kubernetes?.Reviewer);
        await using var server = new EppServer(ports, extProc, health, page.HandleAsync, services.Time, logs);
        using var stop = new StopSignal();
        if (!await ListenAsync(server, ports, services.Options, log))
        {
            return Failed;
        }

        tls.Prepare();
        kubernetes?.Start();
        var signal = await stop.Received;
        readiness.Draining = true;
        var drain = flags.Duration("drain-timeout");
        Log.Draining(log, signal, drain.TotalSeconds);
        using var deadline = new CancellationTokenSource(await Drain.WaitAsync(() => services.Metrics.Streams.Open, drain));
        await server.StopAsync(deadline.Token);
        await (kubernetes?.StopAsync() ?? Task.CompletedTask);
        Log.Stopped(log);
        return 0;
    }

    private static async Task<bool> ListenAsync(EppServer server, EppServerOptions ports, BbrOptions options, ILogger log)
    {
        BbrLog.Starting(
            log, BuildVersion.Text, BbrStart.Name(options.Dialect), options.Streaming ? "streamed" : "buffered",
            ports.GrpcPort, ports.Tls is null ? "plaintext" : "TLS", ports.HealthPort, ports.MetricsPort);
        try
        {
            await server.StartAsync();
            return true;
        }
        catch (IOException e)
        {
            Console.Error.WriteLine($"epp: cannot listen on ports {ports.GrpcPort}, {ports.HealthPort}, {ports.MetricsPort}: {e.Message}");
            return false;
        }
    }
}
