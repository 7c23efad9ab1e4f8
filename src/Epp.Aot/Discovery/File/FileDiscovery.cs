using System.Threading.Channels;
using Epp.Aot.Configuration;
using Epp.Native.Pool;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Discovery.File;

/// <summary>
/// Keeps a pool equal to an endpoints file. The first load must succeed; after that a file with errors changes nothing, is logged, and
/// the next good one is applied. Changes are noticed by a directory watch (write, create, rename, symlink swap) and, should that miss
/// one, by reading the file every two seconds. <see cref="Load"/> and <see cref="WatchAsync"/> do not run at the same time.
/// </summary>
public sealed class FileDiscovery(FileDiscoveryParameters parameters, Pool pool, ILogger logger, TimeProvider time)
{
    /// <summary>Also finds what no watch sees: a change behind a symlink into another directory.</summary>
    public static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);

    /// <summary>A writer is given this long to finish.</summary>
    private static readonly TimeSpan Debounce = TimeSpan.FromMilliseconds(50);

    private byte[] _last = [];
    private byte[] _buffer = new byte[4096];
    private string _lastReadError = "";
    private long _rejected;

    /// <summary>Times a changed file was not applied because of its errors.</summary>
    public long Rejected => Volatile.Read(ref _rejected);

    /// <summary>Loads the file and publishes its endpoints; the errors, none where it worked. For the start: errors there are fatal.</summary>
    public IReadOnlyList<ConfigProblem> Load()
    {
        if (Read() is not { } length)
        {
            return [new ConfigProblem(parameters.Path, 0, 0, "", _lastReadError)];
        }

        return Apply(length);
    }

    /// <summary>Follows the file until cancelled; returns at once where <c>watchFile</c> is off.</summary>
    public async Task WatchAsync(CancellationToken cancellation)
    {
        if (!parameters.WatchFile)
        {
            return;
        }

        var signals = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var watcher = StartWatch(signals.Writer);
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await WaitAsync(signals.Reader, cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            Follow();
        }
    }

    /// <summary>Returns after a change was noticed and its writer had a moment, or after the poll interval.</summary>
    private async Task WaitAsync(ChannelReader<bool> signals, CancellationToken cancellation)
    {
        using var poll = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var signal = signals.WaitToReadAsync(poll.Token).AsTask();
        var timeout = Task.Delay(PollInterval, time, poll.Token);
        var first = await Task.WhenAny(signal, timeout).ConfigureAwait(false);
        await poll.CancelAsync().ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        if (first == signal)
        {
            await Task.Delay(Debounce, time, cancellation).ConfigureAwait(false);
            while (signals.TryRead(out _))
            {
            }
        }
    }

    private void Follow()
    {
        var readError = _lastReadError;
        if (Read() is not { } length)
        {
            if (_lastReadError != readError)
            {
                Reject([new ConfigProblem(parameters.Path, 0, 0, "", _lastReadError)]);
            }

            return;
        }

        if (!_buffer.AsSpan(0, length).SequenceEqual(_last))
        {
            Reject(Apply(length));
        }
    }

    private void Reject(IReadOnlyList<ConfigProblem> problems)
    {
        if (problems.Count == 0)
        {
            return;
        }

        Interlocked.Increment(ref _rejected);
        foreach (var problem in problems)
        {
            FileDiscoveryLog.Rejected(logger, problem);
        }
    }

    private IReadOnlyList<ConfigProblem> Apply(int length)
    {
        _last = _buffer.AsSpan(0, length).ToArray();
        var result = EndpointsFile.Parse(_last, parameters.Path);
        if (result.Endpoints is { } endpoints)
        {
            pool.Publish(endpoints);
            FileDiscoveryLog.Loaded(logger, endpoints.Count, parameters.Path);
        }

        return result.Errors;
    }

    /// <summary>Reads the file into the buffer, one byte beyond the limit at most; null where it cannot be read.</summary>
    private int? Read()
    {
        try
        {
            using var file = System.IO.File.OpenRead(parameters.Path);
            var length = 0;
            while (length <= YamlTree.MaxBytes)
            {
                if (length == _buffer.Length)
                {
                    Array.Resize(ref _buffer, Math.Min(length * 2, YamlTree.MaxBytes + 1));
                }

                var n = file.Read(_buffer.AsSpan(length));
                if (n == 0)
                {
                    break;
                }

                length += n;
            }

            _lastReadError = "";
            return length;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            _lastReadError = $"cannot be read: {error.Message}; expected a readable endpoints file";
            return null;
        }
    }

    private FileSystemWatcher? StartWatch(ChannelWriter<bool> signals)
    {
        try
        {
            var path = Path.GetFullPath(parameters.Path);
            // The whole directory: a mounted ConfigMap is swapped by renaming a symlink beside the file.
            var watcher = new FileSystemWatcher(Path.GetDirectoryName(path) ?? "/")
            {
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size,
            };
            watcher.Created += (_, _) => signals.TryWrite(true);
            watcher.Changed += (_, _) => signals.TryWrite(true);
            watcher.Deleted += (_, _) => signals.TryWrite(true);
            watcher.Renamed += (_, _) => signals.TryWrite(true);
            watcher.Error += (_, e) => FileDiscoveryLog.WatchFailed(logger, parameters.Path, PollInterval.TotalSeconds, e.GetException().Message);
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            FileDiscoveryLog.WatchFailed(logger, parameters.Path, PollInterval.TotalSeconds, error.Message);
            return null;
        }
    }
}
