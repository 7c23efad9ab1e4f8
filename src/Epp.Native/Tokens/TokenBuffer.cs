namespace Epp.Native.Tokens;

/// <summary>Receives ids; grows where needed and is reused by its owner. Not safe to share.</summary>
public sealed class TokenBuffer
{
    private uint[] _ids;

    /// <summary>Room for this many ids before it has to grow.</summary>
    public TokenBuffer(int capacity = 1024)
    {
        _ids = new uint[Math.Max(capacity, 16)];
    }

    /// <summary>How many ids it holds.</summary>
    public int Count { get; private set; }

    /// <summary>The ids.</summary>
    public ReadOnlySpan<uint> Ids => _ids.AsSpan(0, Count);

    /// <summary>Forgets the ids, keeps the room.</summary>
    public void Clear() => Count = 0;

    /// <summary>Adds one id.</summary>
    public void Add(uint id)
    {
        var count = Count;
        if ((uint)count >= (uint)_ids.Length)
        {
            Grow(1);
        }

        _ids[count] = id;
        Count = count + 1;
    }

    /// <summary>Adds ids in order.</summary>
    public void Add(ReadOnlySpan<uint> ids)
    {
        if (ids.Length > _ids.Length - Count)
        {
            Grow(ids.Length);
        }

        ids.CopyTo(_ids.AsSpan(Count));
        Count += ids.Length;
    }

    /// <summary>Room for so many more ids behind those it holds; what is written there counts once it is committed.</summary>
    internal Span<uint> Reserve(int more)
    {
        if (more > _ids.Length - Count)
        {
            Grow(more);
        }

        return _ids.AsSpan(Count);
    }

    /// <summary>Holds so many of the ids written to the room behind those it held.</summary>
    internal void Commit(int more) => Count += more;

    /// <summary>Forgets all but the first ids.</summary>
    internal void Truncate(int count) => Count = count;

    private void Grow(int more) => Array.Resize(ref _ids, Math.Max(Count + more, _ids.Length * 2));
}
