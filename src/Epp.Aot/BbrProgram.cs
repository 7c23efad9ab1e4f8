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
    public static Task<int> RunAsync(IReadOnlyList<string> args, Func<string, string?> environment, TimeProvider time)
    {
        var flags = new FlagSet(BbrFlags.All, interspersed: true);
        flags.Parse(args);
        if (flags.HelpWanted)
        {
            Console.Out.Write("Usage of epp bbr:" + Environment.NewLine + flags.Help());
            return Task.FromResult(0);
        }

        var start = BbrStart.Read(flags, environment);
        foreach (var error in start.Errors)
        {
            Console.Error.WriteLine("epp: " + error);
        }

        return start.Options is null ? Task.FromResult(BbrStart.BadFlags) : ServeAsync(flags, start, start.Options, environment, time);
    }

    private static async Task<int> ServeAsync(FlagSet flags, BbrStart start, BbrOptions options, Func<string, string?> environment, TimeProvider time)
    {
        using var logs = new LineLoggerProvider(
            Verbosity.IsJson(flags), Verbosity.Level(flags.Int("v"), flags.Text("zap-log-level")), time, Console.OpenStandardError());
        var log = logs.CreateLogger("bbr");
        flags.Warnings.ForEach(warning => Log.ConfigurationWarning(log, warning));
        var services = new BbrServices(
            options, options.WantsBaseModels ? new BaseModelStore(log) : null, new BbrMetrics(options.Dialect, BuildVersion.Text, time), time, logs.CreateLogger("ext_proc"));
        using var kubernetes = Kubernetes(flags, start, services, environment, log, out var unusable);
        using var tls = unusable.Length > 0 ? null : TlsSetup.TryOpen(flags, services.Metrics.Certificates, log, time, out unusable);
        if (tls is null)
        {
            Console.Error.WriteLine("epp: " + unusable);
            return Failed;
        }

        // Routing needs nothing but the request: ready from the first moment, whatever Kubernetes does.
        var readiness = new Readiness(new HealthSources(static () => true));
        await using var server = Server(flags, services, tls, readiness, kubernetes, logs);
        using var stop = new StopSignal();
        BbrLog.Starting(log, BuildVersion.Text, BbrStart.Name(options.Dialect), Ports(flags, options));
        try
        {
            await server.StartAsync();
        }
        catch (IOException e)
        {
            Console.Error.WriteLine($"epp: cannot listen: {e.Message}; {Ports(flags, options)}");
            return Failed;
        }

        tls.Prepare();
        kubernetes?.Start();
        var signal = await stop.Received;
        readiness.Draining = true;
        var drain = flags.Duration("drain-timeout");
        Log.Draining(log, signal, drain.TotalSeconds);
        using var deadline = new CancellationTokenSource(await Drain.WaitAsync(() => services.OpenStreams, drain));
        await server.StopAsync(deadline.Token);
        await (kubernetes?.StopAsync() ?? Task.CompletedTask);
        Log.Stopped(log);
        return 0;
    }

    // An access that was named must be usable; where there is none, the router serves without.
    private static BbrKubernetes? Kubernetes(FlagSet flags, BbrStart start, BbrServices services, Func<string, string?> environment, ILogger log, out string unusable)
    {
        var (access, missing) = new KubeAccessFinder(environment).Find(flags.Text("kubeconfig"));
        unusable = access is null && flags.Text("kubeconfig").Length > 0 ? missing : "";
        if (access is not null)
        {
            return new BbrKubernetes(access, services.Models, start.Namespace, flags.Bool("metrics-endpoint-auth"), services.Metrics, log, services.Time);
        }

        // The second half of the reason advises endpoint pickers.
        BbrLog.NoKubernetes(log, missing.Split(';')[0]);
        return null;
    }

    private static EppServer Server(FlagSet flags, BbrServices services, TlsSetup tls, Readiness readiness, BbrKubernetes? kubernetes, LineLoggerProvider logs)
    {
        var extProc = new Dictionary<string, GrpcMethod> { [ExtProcService.ProcessPath] = new BbrService(services).ProcessAsync };
        var health = new Dictionary<string, GrpcMethod>();
        new HealthService(readiness.Check, readiness.Listed).Register(health);
        new HealthService(readiness.CheckAtExtProc, Readiness.ListedAtExtProc).Register(extProc);
        var ports = new EppServerOptions(
            flags.Int("grpc-port"), flags.Int("grpc-health-port"), flags.Int("metrics-port"), tls.ExtProc, new GrpcOptions((int)flags.Quantity("grpc-max-recv-msg-size")), tls.Metrics);
        var page = new MetricsPort(new MetricsEndpoint(services.Metrics.Families), reviewer: kubernetes?.Reviewer);
        return new EppServer(ports, extProc, health, page.HandleAsync, services.Time, logs);
    }

    private static string Ports(FlagSet flags, BbrOptions options) =>
        $"{(options.Streaming ? "streamed" : "buffered")} bodies, ext_proc on {flags.Text("grpc-port")} ({(flags.Bool("secure-serving") ? "TLS" : "plaintext")}), "
        + $"health on {flags.Text("grpc-health-port")}, metrics on {flags.Text("metrics-port")}";
}
