using System.Collections.Concurrent;
using Epp.Aot.Configuration;
using Epp.Aot.Discovery.File;
using Epp.Native.Pool;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Tests.Discovery;

[Trait("Category", "Unit")]
public sealed class FileDiscoveryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("epp-discovery-").FullName;
    private readonly Pool _pool = new();
    private readonly Messages _log = new();

    private string File => Path.Combine(_folder, "endpoints.yaml");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Load_BadOrMissingFile_ReturnsErrorsAndPublishesNothing()
    {
        Assert.Contains("cannot be read", Assert.Single(Discovery().Load()).ToString());
        System.IO.File.WriteAllText(File, "endpoints: [{name: a, address: host, port: 1}]");
        Assert.StartsWith($"{File}:1:32: endpoints[0].address: ", Assert.Single(Discovery().Load()).ToString());
        Assert.False(_pool.HasSynced);
        Assert.Contains("cannot be read", Assert.Single(new FileDiscovery(new FileDiscoveryParameters(_folder), _pool, _log, TimeProvider.System).Load()).ToString());
    }

    [Fact]
    public async Task Watch_WriteRenameAndSymlinkSwap_AreFollowed()
    {
        Write(File, "10.0.0.1");
        await using var run = Start();

        Write(File, "10.0.0.2");
        await Becomes("10.0.0.2:8000");

        Write(File + ".new", "10.0.0.3");
        System.IO.File.Move(File + ".new", File, overwrite: true);
        await Becomes("10.0.0.3:8000");

        System.IO.File.Delete(File);
        Write(File, "10.0.0.4");
        await Becomes("10.0.0.4:8000");
    }

    [Fact]
    public async Task Watch_MountedConfigMap_SwapIsFollowed()
    {
        // As kubelet does it: endpoints.yaml -> ..data/endpoints.yaml, ..data -> a dated folder, swapped by renaming a new link over it.
        foreach (var (version, address) in (ReadOnlySpan<(string, string)>)[("..v1", "10.0.0.1"), ("..v2", "10.0.0.2")])
        {
            Directory.CreateDirectory(Path.Combine(_folder, version));
            Write(Path.Combine(_folder, version, "endpoints.yaml"), address);
        }

        var data = Path.Combine(_folder, "..data");
        Directory.CreateSymbolicLink(data, "..v1");
        System.IO.File.CreateSymbolicLink(File, "..data/endpoints.yaml");
        await using var run = Start();
        Assert.Equal("10.0.0.1:8000", Hosts());

        // The library renames a link to a folder only where nothing is in the way, so the old link goes first.
        Directory.CreateSymbolicLink(data + "_tmp", "..v2");
        System.IO.File.Delete(data);
        Directory.Move(data + "_tmp", data);
        await Becomes("10.0.0.2:8000");
    }

    [Fact]
    public async Task Watch_ChangeBehindALinkElsewhere_IsFoundByThePoll()
    {
        var elsewhere = Directory.CreateTempSubdirectory("epp-elsewhere-").FullName;
        try
        {
            var target = Path.Combine(elsewhere, "real.yaml");
            Write(target, "10.0.0.1");
            System.IO.File.CreateSymbolicLink(File, target);
            await using var run = Start();
            Write(target, "10.0.0.9");
            await Becomes("10.0.0.9:8000");
        }
        finally
        {
            Directory.Delete(elsewhere, recursive: true);
        }
    }

    [Fact]
    public async Task Watch_BadFile_KeepsTheLastGoodPoolAndSaysWhy_ThenRecovers()
    {
        Write(File, "10.0.0.1");
        await using var run = Start();
        var before = _pool.Current;

        System.IO.File.WriteAllText(File, "endpoints:\n- {name: a, address: nowhere, port: 8000}\n");
        await Until(() => run.Discovery.Rejected > 0);
        Assert.Same(before, _pool.Current);
        Assert.Contains(_log.Lines, l => l.Contains($"{File}:2:22: endpoints[0].address: found 'nowhere'", StringComparison.Ordinal));

        Write(File, "10.0.0.2");
        await Becomes("10.0.0.2:8000");
    }

    [Fact]
    public async Task Watch_FileGoesAway_KeepsTheLastGoodPool()
    {
        Write(File, "10.0.0.1");
        await using var run = Start();
        System.IO.File.Delete(File);
        await Until(() => run.Discovery.Rejected > 0);
        Assert.Equal("10.0.0.1:8000", Hosts());
    }

    [Fact]
    public async Task Watch_Off_ReturnsAtOnce()
    {
        var discovery = new FileDiscovery(new FileDiscoveryParameters(File), _pool, _log, TimeProvider.System);
        await discovery.WatchAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(5));
    }

    private static void Write(string path, string address) =>
        System.IO.File.WriteAllText(path, $"endpoints:\n- {{name: a, address: {address}, port: \"8000\"}}\n");

    private static async Task Until(Func<bool> condition)
    {
        for (var i = 0; i < 600 && !condition(); i++)
        {
            await Task.Delay(25);
        }

        Assert.True(condition());
    }

    private FileDiscovery Discovery() => new(new FileDiscoveryParameters(File, true), _pool, _log, TimeProvider.System);

    private string Hosts() => string.Join(' ', _pool.Current.Indexes.Select(i => _pool.Current[i].HostPort));

    private Task Becomes(string hosts) => Until(() => Hosts() == hosts);

    private Run Start()
    {
        var discovery = Discovery();
        Assert.Empty(discovery.Load());
        return new Run(discovery);
    }

    private sealed class Run : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _watch;

        public Run(FileDiscovery discovery)
        {
            Discovery = discovery;
            _watch = discovery.WatchAsync(_stop.Token);
        }

        public FileDiscovery Discovery { get; }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _watch.WaitAsync(TimeSpan.FromSeconds(10));
            _stop.Dispose();
        }
    }

    private sealed class Messages : ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue(formatter(state, exception));
    }
}
