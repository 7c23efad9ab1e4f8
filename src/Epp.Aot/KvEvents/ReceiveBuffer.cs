using System.Buffers;

namespace Epp.Aot.KvEvents;

/// <summary>
/// What was received and not yet used, in one rented array that grows with its content up to a limit and goes back to the pool while there is
/// nothing to hold. Not thread-safe.
/// </summary>
internal sealed class ReceiveBuffer(int maxBytes) : IDisposable
{
    private const int FirstBytes = 64 * 1024;

    private byte[] _array = [];
    private int _start;
    private int _end;

    /// <summary>Bytes received and not dropped.</summary>
    public ReadOnlySpan<byte> Content => _array.AsSpan(_start, _end - _start);

    public bool IsEmpty => _start == _end;

    /// <summary>Forgets the first bytes.</summary>
    public void Drop(int bytes) => _start += bytes;

    /// <summary>Space for at least one more byte; empty where the limit is reached. The content may move.</summary>
    public Memory<byte> Room()
    {
        if (_start == _end)
        {
            (_start, _end) = (0, 0);
        }

        // Moving a short rest is cheaper than reading into a sliver of space behind it.
        if (_array.Length - _end < _array.Length / 4 && _start > 0)
        {
            Content.CopyTo(_array);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _array.Length)
        {
            if (_array.Length >= maxBytes)
            {
                return default;
            }

            Grow();
        }

        return _array.AsMemory(_end);
    }

    /// <summary>Says how much of <see cref="Room"/> was filled.</summary>
    public void Filled(int bytes) => _end += bytes;

    /// <summary>Gives the array back; only while empty.</summary>
    public void Release()
    {
        if (IsEmpty && _array.Length > 0)
        {
            Dispose();
        }
    }

    public void Dispose()
    {
        var array = _array;
        (_array, _start, _end) = ([], 0, 0);
        if (array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(array);
        }
    }

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(int.Min(int.Max(FirstBytes, _array.Length * 2), maxBytes));
        Content.CopyTo(larger);
        var length = _end - _start;
        if (_array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_array);
        }

        (_array, _start, _end) = (larger, 0, length);
    }
}
