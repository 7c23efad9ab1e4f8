using System.Buffers;

namespace Epp.Native.Requests;

/// <summary>
/// HTTP headers of one message as UTF-8 in one rented buffer: keys lower-cased, order and repetitions kept. Owned by one stream; not
/// thread-safe. <see cref="Dispose"/> returns the buffer and leaves the table empty and reusable.
/// </summary>
public sealed class HeaderTable : IDisposable
{
    /// <summary>Most headers of one message; Envoy's own default is 100.</summary>
    public const int MaxHeaders = 1024;

    /// <summary>Most bytes of keys and values together.</summary>
    public const int MaxBytes = 1 << 20;

    private byte[]? _bytes;
    private int _used;
    private (int Key, int KeyLength, int ValueLength)[] _entries = new (int, int, int)[24];

    /// <summary>Headers held.</summary>
    public int Count { get; private set; }

    /// <summary>Lower-case key of header <paramref name="i"/>.</summary>
    public ReadOnlySpan<byte> Key(int i) => _bytes.AsSpan(_entries[i].Key, _entries[i].KeyLength);

    /// <summary>Value of header <paramref name="i"/>.</summary>
    public ReadOnlySpan<byte> Value(int i) => _bytes.AsSpan(_entries[i].Key + _entries[i].KeyLength, _entries[i].ValueLength);

    /// <summary>Adds a header; false when <see cref="MaxHeaders"/> or <see cref="MaxBytes"/> would be exceeded.</summary>
    public bool Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var need = key.Length + value.Length;
        if (Count == MaxHeaders || _used + need > MaxBytes)
        {
            return false;
        }

        if (_bytes is null || _used + need > _bytes.Length)
        {
            var grown = ArrayPool<byte>.Shared.Rent(Math.Max(2048, (_used + need) * 2));
            _bytes.AsSpan(0, _used).CopyTo(grown);
            if (_bytes is not null)
            {
                ArrayPool<byte>.Shared.Return(_bytes);
            }

            _bytes = grown;
        }

        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Count * 2);
        }

        var target = _bytes.AsSpan(_used);
        for (var i = 0; i < key.Length; i++)
        {
            var c = key[i];
            target[i] = c is >= (byte)'A' and <= (byte)'Z' ? (byte)(c | 0x20) : c;
        }

        value.CopyTo(target[key.Length..]);
        _entries[Count++] = (_used, key.Length, value.Length);
        _used += need;
        return true;
    }

    /// <summary>Value of the last header named <paramref name="key"/> (lower-case), as the references see it.</summary>
    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        for (var i = Count - 1; i >= 0; i--)
        {
            if (_entries[i].KeyLength == key.Length && Key(i).SequenceEqual(key))
            {
                value = Value(i);
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>Empties the table and returns its buffer.</summary>
    public void Dispose()
    {
        if (_bytes is not null)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = null;
        }

        Count = 0;
        _used = 0;
    }
}
