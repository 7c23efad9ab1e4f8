using System.Collections.Concurrent;
using Epp.Aot.Discovery.Kubernetes;
using Epp.Aot.Kubernetes;
using Epp.Aot.Telemetry;
using Epp.Native;
using Epp.Native.Objectives;
using Epp.Native.Pool;
using Epp.Testing;
using Microsoft.Extensions.Logging;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>Kubernetes discovery inside the test process: what it knows can be looked at directly.</summary>
internal sealed class DiscoveryRig : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    public DiscoveryRig(string kubeconfig, KubernetesDiscoveryOptions options)
    {
        Client = ClientOf(kubeconfig);
        Metrics = new EppMetrics(new EppMetricsOptions(options.PoolName), Pool, TimeProvider.System);
        Discovery = new KubernetesDiscovery(Client, options, Pool, Objectives, Metrics, Log, TimeProvider.System, new Random(1));
        _run = Task.Run(() => Discovery.RunAsync(_stop.Token));
    }

    public KubeClient Client { get; }

    public Pool Pool { get; } = new();

    public ObjectiveStore Objectives { get; } = new();

    public EppMetrics Metrics { get; }

    public KubernetesDiscovery Discovery { get; }

    public ListLogger Log { get; } = new();

    public string[] Endpoints => [.. Pool.Current.Indexes.Select(i => Pool.Current[i].ToString()).Order(StringComparer.Ordinal)];

    public static KubernetesDiscoveryOptions Options(string ns, string group = "inference.networking.k8s.io", Dialect dialect = Dialect.LlmD) =>
        new(ns, "pool", group, dialect) { SlowCheck = TimeSpan.FromSeconds(1) };

    public static KubeClient ClientOf(string kubeconfig)
    {
        var (access, error) = new KubeAccessFinder(static _ => null).Find(kubeconfig);
        Assert.Equal("", error);
        return new KubeClient(access!, TimeProvider.System);
    }

    public Task UntilEndpointsAsync(params string[] expected) => Wait.UntilAsync(
        () => Endpoints.SequenceEqual(expected.Order(StringComparer.Ordinal)), what: $"endpoints are {string.Join(' ', expected)}, not {string.Join(' ', Endpoints)}\n{Log}");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.WaitAsync(TimeSpan.FromSeconds(10));
        Client.Dispose();
        _stop.Dispose();
    }
}

/// <summary>Keeps every line.</summary>
internal sealed class ListLogger : ILogger
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue($"{logLevel} {formatter(state, exception)}");

    public int Count(string containing) => _lines.Count(l => l.Contains(containing, StringComparison.Ordinal));

    public override string ToString() => string.Join('\n', _lines);
}
