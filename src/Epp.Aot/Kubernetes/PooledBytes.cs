using System.Buffers;

namespace Epp.Aot.Kubernetes;

/// <summary>A growing rented buffer with a limit. Owns its array until disposed. Not thread-safe.</summary>
internal sealed class PooledBytes(int initialBytes, int maxBytes) : IDisposable
{
    private byte[] _array = ArrayPool<byte>.Shared.Rent(initialBytes);
    private int _start;
    private int _end;

    /// <summary>Bytes read and not yet dropped.</summary>
    public ReadOnlyMemory<byte> Content => _array.AsMemory(_start, _end - _start);

    public int Length => _end - _start;

    /// <summary>Reads once; the number of bytes, 0 = end of the stream, -1 = the limit is reached.</summary>
    public async ValueTask<int> FillAsync(Stream stream, CancellationToken cancellation)
    {
        if (!MakeRoom())
        {
            return -1;
        }

        var n = await stream.ReadAsync(_array.AsMemory(_end), cancellation).ConfigureAwait(false);
        _end += n;
        return n;
    }

    /// <summary>Forgets the first bytes.</summary>
    public void Drop(int bytes)
    {
        _start += bytes;
        if (_start == _end)
        {
            (_start, _end) = (0, 0);
        }
    }

    public void Dispose()
    {
        if (_array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_array);
            _array = [];
            (_start, _end) = (0, 0);
        }
    }

    private bool MakeRoom()
    {
        if (_end < _array.Length)
        {
            return true;
        }

        if (_start > 0)
        {
            _array.AsSpan(_start, Length).CopyTo(_array);
            (_start, _end) = (0, Length);
            return true;
        }

        if (_array.Length >= maxBytes)
        {
            return false;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Min(_array.Length * 2, maxBytes));
        _array.AsSpan(0, _end).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_array);
        _array = larger;
        return true;
    }
}
