using System.Security.Cryptography;
using Epp.Aot;
using Epp.Aot.Cli;
using Epp.Aot.Configuration;
using Epp.Aot.Debugging;
using Epp.Aot.Discovery.File;
using Epp.Aot.ExtProc;
using Epp.Aot.FlowControl;
using Epp.Aot.Grpc;
using Epp.Aot.Hosting;
using Epp.Aot.Scraping;
using Epp.Aot.Telemetry;
using Epp.Aot.Tracing;
using Epp.Native;
using Epp.Native.Objectives;
using Epp.Native.Pool;
using Epp.Native.Requests;
using Microsoft.Extensions.Logging;

// 1. What the operator asked for.
if (args is ["validate", .. var rest])
{
    return ValidateCommand.Run(rest, Environment.GetEnvironmentVariable, Console.Out, Console.Error);
}

if (args is ["hash", .. var hashing])
{
    using var lines = new StreamReader(Console.OpenStandardInput());
    using var answers = new StreamWriter(Console.OpenStandardOutput());
    return HashCommand.Run(hashing, lines, answers, Console.Error);
}

if (args is ["tokenize", .. var tokenizing])
{
    // UTF-8 without a mark both ways, whatever the terminal thinks.
    using var lines = new StreamReader(Console.OpenStandardInput());
    using var answers = new StreamWriter(Console.OpenStandardOutput());
    return TokenizeCommand.Run(tokenizing, lines, answers, Console.Error, TimeProvider.System);
}

if (args is ["bbr", .. var routing])
{
    return await BbrProgram.RunAsync(routing, Environment.GetEnvironmentVariable, TimeProvider.System);
}

var flags = new FlagSet(EppFlags.All);
flags.Parse(args);
if (flags.HelpWanted)
{
    Console.Out.Write("Usage of epp:" + Environment.NewLine + flags.Help());
    return 0;
}

var configuration = StartConfiguration.Read(flags, Environment.GetEnvironmentVariable);
if (configuration.Errors.Count > 0)
{
    foreach (var error in configuration.Errors)
    {
        Console.Error.WriteLine("epp: " + error);
    }

    return configuration.ExitCode;
}

var config = configuration.Config!;
var time = TimeProvider.System;
using var logs = new LineLoggerProvider(
    Verbosity.IsJson(flags), Verbosity.Level(flags.Int("v"), flags.Text("zap-log-level")), time, Console.OpenStandardError());
var log = logs.CreateLogger("epp");
foreach (var warning in configuration.Warnings)
{
    Log.ConfigurationWarning(log, warning);
}

var (kubernetesStart, unusableAccess) = config.DataLayer.Discovery is null ? KubernetesStart.Read(flags, configuration.Pool!, config) : (null, []);
if (unusableAccess.Count > 0)
{
    foreach (var error in unusableAccess)
    {
        Console.Error.WriteLine("epp: " + error);
    }

    return 1;
}

// 2. The pool, what is measured, and who decides.
var poolName = configuration.Pool!.Name;
var pool = new Pool();
var objectives = new ObjectiveStore();
var metrics = new EppMetrics(
    new EppMetricsOptions(poolName, config.Dialect, flags.Bool("enable-grpc-stream-metrics"), flags.Duration("metrics-staleness-threshold")), pool, time);
using var gauges = new PoolGaugeTimer(metrics, flags.Duration("refresh-prometheus-metrics-interval"), time);
using var housekeeping = new Housekeeping(metrics.Streams, time);
var seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
await using var tokens = TokenMode.Create(config, metrics, logs.CreateLogger("tokens"), time);
await using var kvEvents = KvEventMode.Create(
    config, flags.Quantity("kv-index-memory"), flags.Duration("kv-events-stale-after"), seed, pool, metrics, tokens?.Parity,
    Environment.GetEnvironmentVariable, logs.CreateLogger("kv_events"), time);
var context = new SchedulerContext(
    pool,
    seed,
    static (request, rules, blockSize, maxBlocks, into) =>
        ApproxPrefixHasher.Hash(request.Scan!, request.Body!, request.TargetModel, request.CacheSalt, rules, blockSize, maxBlocks, into),
    flags.Quantity("prefix-index-memory"),
    kvEvents.Sources);
RewriteNames.Keep(objectives, metrics);

// 3. Where endpoints and their load come from.
using var kubernetes = kubernetesStart is null ? null : KubernetesMode.Create(kubernetesStart, config, pool, objectives, metrics, logs, time);
var file = config.DataLayer.Discovery is { } plugin
    ? new FileDiscovery((FileDiscoveryParameters)plugin.Parameters, pool, logs.CreateLogger("discovery"), time)
    : null;
var unreadable = file?.Load() ?? [];
if (unreadable.Count > 0)
{
    foreach (var problem in unreadable)
    {
        Console.Error.WriteLine("epp: " + problem);
    }

    return 1;
}

using var stopWatching = new CancellationTokenSource();
var watching = file?.WatchAsync(stopWatching.Token) ?? Task.CompletedTask;
using var scraper = ScraperFactory.Create(config, flags.Duration("refresh-metrics-interval"), pool, time, metrics, logs.CreateLogger("scrape"));
scraper?.Start();

// 4. The exchange.
var options = new ExtProcOptions(
    config.Dialect,
    flags.Bool("emit-endpoint-scores"),
    flags.Bool("disable-endpoint-subset-filter"),
    (int)Math.Min(flags.Quantity("max-request-body-bytes"), int.MaxValue / 2),
    flags.Quantity("max-buffered-bytes"));
await using var traces = TraceSetup.Open(
    flags.Bool("tracing"), Environment.GetEnvironmentVariable, config.Dialect, BuildVersion.Text, metrics, logs.CreateLogger("tracing"), time);
var exchangeLog = logs.CreateLogger("ext_proc");
var picks = flags.Bool("enable-pprof") ? new PickRing(time) : null;
var director = new Director(
    pool, RoutingPlan.Create(config, context, metrics), objectives, metrics, options, time, new PickLog(exchangeLog, picks), tokens?.Local, tokens?.Parity);
using var flow = FlowControlMode.Create(
    config, new FlowContext(pool, config.Dialect == Dialect.Gaie ? null : objectives, () => director.Plan.Saturation, metrics, time, logs.CreateLogger("flow_control")),
    flags.Duration("refresh-metrics-interval") + flags.Duration("metrics-staleness-threshold"));
director.Gate = flow?.Gate;
using var reload = flags.Bool("watch-config") && flags.Text("config-file") is { Length: > 0 } configFile
    ? new ConfigReload(
        configFile, () => StartConfiguration.Read(flags, Environment.GetEnvironmentVariable).Reading, config, context, metrics, director, time, logs.CreateLogger("config"))
    : null;
var extProc = new ExtProcService(
    new StreamServices(
        pool, director, metrics, options, new ParserSet(config), new BodyBudget(options.MaxBufferedBytes), time, exchangeLog, traces.Tracer, tokens?.Asking, tokens?.Parity, flow?.Inflight),
    exchangeLog);

// 5. The listeners.
var health = kubernetes?.Health ?? new HealthSources(() => pool.HasSynced);
var readiness = new Readiness(tokens is null ? health : health with { Live = () => tokens.IsReady && health.Live() });
var extProcMethods = new Dictionary<string, GrpcMethod> { [ExtProcService.ProcessPath] = extProc.ProcessAsync };
var healthMethods = new Dictionary<string, GrpcMethod>();
new HealthService(readiness.Check, readiness.Listed).Register(healthMethods);
new HealthService(readiness.CheckAtExtProc, Readiness.ListedAtExtProc).Register(extProcMethods);
using var tls = TlsSetup.TryOpen(flags, metrics.Certificates, log, time, out var unusable);
if (tls is null)
{
    Console.Error.WriteLine("epp: " + unusable);
    return 1;
}

var ports = new EppServerOptions(
    flags.Int("grpc-port"), flags.Int("grpc-health-port"), flags.Int("metrics-port"), tls.ExtProc, new GrpcOptions((int)flags.Quantity("grpc-max-recv-msg-size")), tls.Metrics);
var debug = picks is null ? null : new DebugPages(new DebugReport(
    new DebugProcess(BuildVersion.Text, InstructionSet.Name, poolName), flags, () => director.Plan.Config, () => director.Plan.Scheduler, pool, picks, time));
await using var server = new EppServer(ports, extProcMethods, healthMethods, new MetricsPort(new MetricsEndpoint(metrics.Families), debug, kubernetes?.Reviewer).HandleAsync, time, logs);
using var stop = new StopSignal();
Log.Starting(
    log, BuildVersion.Text, ports.GrpcPort, ports.Tls is null ? "plaintext" : "TLS", ports.HealthPort, ports.MetricsPort, InstructionSet.Name);
try
{
    await server.StartAsync();
}
catch (IOException e)
{
    Console.Error.WriteLine($"epp: cannot listen on ports {ports.GrpcPort}, {ports.HealthPort}, {ports.MetricsPort}: {e.Message}");
    return 1;
}

tls.Prepare();
if (kubernetes is null)
{
    Log.Serving(log, pool.Current.Count, poolName);
}
else
{
    // The ports are open and NOT_SERVING until the pool is known.
    kubernetes.Start();
    kubernetes.FollowDynamo(kvEvents.DynamoDiscoveries);
}


// 6. Until told to stop: not ready at once; streams, new ones too, are served until none is left or the time is over.
var signal = await stop.Received;
readiness.Draining = true;
var drain = flags.Duration("drain-timeout");
Log.Draining(log, signal, drain.TotalSeconds);
var releasing = kubernetes?.ReleaseAsync() ?? Task.CompletedTask;
using var deadline = new CancellationTokenSource(await Drain.WaitAsync(() => metrics.Streams.Open, drain));
await (flow?.ShutdownAsync() ?? Task.CompletedTask);
await server.StopAsync(deadline.Token);
await releasing;
await (kubernetes?.StopAsync() ?? Task.CompletedTask);
await stopWatching.CancelAsync();
await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
Log.Stopped(log);
return 0;
