using Epp.Hashing;

namespace Epp.Native.Objectives;

/// <summary>
/// A map from UTF-8 names, looked up by bytes without making a string: open addressing at most half full. Its keys come from the
/// cluster's objects, never from requests. Immutable; safe to share.
/// </summary>
internal sealed class Utf8Table<T>
{
    private readonly byte[]?[] _keys;
    private readonly T[] _values;

    /// <param name="entries">Of equal keys the first counts.</param>
    public Utf8Table(IReadOnlyList<(byte[] Key, T Value)> entries)
    {
        var slots = 4;
        while (slots < entries.Count * 2)
        {
            slots *= 2;
        }

        _keys = new byte[]?[slots];
        _values = new T[slots];
        foreach (var (key, value) in entries)
        {
            var slot = Slot(key);
            if (_keys[slot] is null)
            {
                _keys[slot] = key;
                _values[slot] = value;
            }
        }
    }

    /// <summary>The value of a name.</summary>
    public bool TryGet(ReadOnlySpan<byte> name, out T value)
    {
        var slot = Slot(name);
        value = _values[slot];
        return _keys[slot] is not null;
    }

    /// <summary>The slot that holds the name, else the free one where it would be.</summary>
    private int Slot(ReadOnlySpan<byte> name)
    {
        var mask = _keys.Length - 1;
        var slot = (int)XxHash64.Hash(name) & mask;
        while (_keys[slot] is { } key && !name.SequenceEqual(key))
        {
            slot = (slot + 1) & mask;
        }

        return slot;
    }
}
