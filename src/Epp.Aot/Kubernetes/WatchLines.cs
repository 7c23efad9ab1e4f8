namespace Epp.Aot.Kubernetes;

/// <summary>
/// The lines of a watch, one JSON event each, out of one rented buffer. A line that the stream's end cuts is dropped: its event comes
/// again after the reconnect. Not thread-safe.
/// </summary>
internal sealed class WatchLines(Stream stream, int maxLineBytes = WatchLines.DefaultMaxLineBytes) : IDisposable
{
    /// <summary>An object is at most 1.5 MiB in etcd; as JSON with managed fields a few times that.</summary>
    public const int DefaultMaxLineBytes = 8 << 20;

    private readonly PooledBytes _bytes = new(64 << 10, maxLineBytes);
    private int _taken;
    private int _searched;

    /// <summary>True when a line longer than the limit came; nothing more is read.</summary>
    public bool TooLong { get; private set; }

    /// <summary>The next whole line that is here already, without its end; valid until the next call.</summary>
    public bool TryTake(out ReadOnlyMemory<byte> line)
    {
        _bytes.Drop(_taken);
        _taken = 0;
        var content = _bytes.Content;
        var end = content.Span[_searched..].IndexOf((byte)'\n');
        if (end < 0)
        {
            _searched = content.Length;
            line = default;
            return false;
        }

        line = content[..(_searched + end)];
        _taken = line.Length + 1;
        _searched = 0;
        return true;
    }

    /// <summary>Waits for more; false = the stream has ended or a line is too long.</summary>
    public async ValueTask<bool> FillAsync(CancellationToken cancellation)
    {
        var n = await _bytes.FillAsync(stream, cancellation).ConfigureAwait(false);
        TooLong = n < 0;
        return n > 0;
    }

    public void Dispose() => _bytes.Dispose();
}
