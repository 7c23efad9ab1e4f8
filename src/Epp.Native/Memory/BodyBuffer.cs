namespace Epp.Native.Memory;

/// <summary>
/// The bytes of one message body in rented segments, from the frame that brought them to the frame that returns them. Owned by one
/// stream; not thread-safe. <see cref="Dispose"/> returns every segment and leaves the buffer empty and reusable.
/// </summary>
public sealed class BodyBuffer : IDisposable
{
    /// <summary>Most requests fit into the first, small segment, so that 10,000 open streams stay cheap; long bodies go on in large ones.</summary>
    private const int FirstSegmentBytes = 4096;
    private const int NextSegmentBytes = 65536;

    // At most 64 MiB of small and 256 MiB of large segments rest between bodies.
    private static readonly SegmentPool First = new(FirstSegmentBytes, 16 << 10);
    private static readonly SegmentPool Next = new(NextSegmentBytes, 4 << 10);

    private static int _outstanding;

    private byte[]?[] _segments = new byte[]?[2];
    private int _count;
    private int _lastUsed;

    /// <summary>Rented segments not yet returned in this process: a test counts them.</summary>
    public static int OutstandingSegments => Volatile.Read(ref _outstanding);

    /// <summary>
    /// Gives up half of the memory that rested since the last call, so that a peak is forgotten in some calls; returns bytes. Thread-safe.
    /// </summary>
    public static long TrimIdleMemory() => ((long)First.Trim() * FirstSegmentBytes) + ((long)Next.Trim() * NextSegmentBytes);

    /// <summary>Bytes held.</summary>
    public int Length { get; private set; }

    /// <summary>Segments held.</summary>
    public int SegmentCount => _count;

    /// <summary>The bytes of segment <paramref name="i"/>, 0 … <see cref="SegmentCount"/> − 1.</summary>
    public ReadOnlySpan<byte> Segment(int i) => _segments[i].AsSpan(0, i == _count - 1 ? _lastUsed : _segments[i]!.Length);

    /// <summary>Copies <paramref name="bytes"/> to the end.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_count == 0 || _lastUsed == _segments[_count - 1]!.Length)
            {
                AddSegment();
            }

            var free = _segments[_count - 1].AsSpan(_lastUsed);
            var n = Math.Min(free.Length, bytes.Length);
            bytes[..n].CopyTo(free);
            bytes = bytes[n..];
            _lastUsed += n;
            Length += n;
        }
    }

    /// <summary>
    /// The bytes from <paramref name="offset"/> to the end of the segment that holds it, at most <paramref name="maxBytes"/>; empty at
    /// or beyond the end. Loop over it to read a range that spans segments.
    /// </summary>
    public ReadOnlySpan<byte> Slice(int offset, int maxBytes)
    {
        if (offset >= Length || maxBytes <= 0)
        {
            return default;
        }

        var segment = 0;
        if (offset >= _segments[0]!.Length)
        {
            offset -= _segments[0]!.Length;
            segment = 1 + (offset / NextSegmentBytes);
            offset %= NextSegmentBytes;
        }

        var bytes = Segment(segment)[offset..];
        return bytes.Length > maxBytes ? bytes[..maxBytes] : bytes;
    }

    /// <summary>Copies <paramref name="destination"/>.Length bytes from <paramref name="offset"/>; the range must lie inside.</summary>
    public void CopyTo(int offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + destination.Length, Length);
        while (!destination.IsEmpty)
        {
            var part = Slice(offset, destination.Length);
            part.CopyTo(destination);
            destination = destination[part.Length..];
            offset += part.Length;
        }
    }

    /// <summary>Returns the segments; the buffer is empty and can be used again.</summary>
    public void Dispose()
    {
        for (var i = 0; i < _count; i++)
        {
            (i == 0 ? First : Next).Return(_segments[i]!);
            _segments[i] = null;
            Interlocked.Decrement(ref _outstanding);
        }

        _count = 0;
        _lastUsed = 0;
        Length = 0;
    }

    private void AddSegment()
    {
        if (_count == _segments.Length)
        {
            Array.Resize(ref _segments, _count * 2);
        }

        _segments[_count] = (_count == 0 ? First : Next).Rent();
        _count++;
        _lastUsed = 0;
        Interlocked.Increment(ref _outstanding);
    }
}
