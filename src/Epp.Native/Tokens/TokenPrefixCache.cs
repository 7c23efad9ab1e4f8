using Epp.Hashing;

namespace Epp.Native.Tokens;

/// <summary>
/// Ids of beginnings of texts, cut right behind added tokens (tokenization §6, item 7): what stands before such a token is encoded without
/// regard to what follows, so the ids are exact. The bytes are compared, a hash alone never decides. A beginning is kept when it is seen
/// for the second time, the longest one, and the hashes of its blocks with it; the oldest unused ones go when the budget is reached.
/// Thread-safe; lookups take no lock. All callers encode with one tokenizer.
/// </summary>
public sealed class TokenPrefixCache
{
    /// <summary>A shorter beginning is encoded as fast as it is found.</summary>
    public const int MinBytes = 1024;

    private const int EntryBytes = 96, ChainBytes = 112;
    private const int SeenSlots = 1 << 14;

    private readonly Lock _gate = new();
    private readonly TokenPrefix?[] _entries;
    private readonly ulong[] _seen = new ulong[SeenSlots];
    private readonly long _budgetBytes;
    private int _hand;
    private long _bytes;
    private long _hits;
    private long _hashHits;

    /// <param name="budgetBytes">Memory of all beginnings, their ids and hashes at most.</param>
    public TokenPrefixCache(long budgetBytes)
    {
        _budgetBytes = budgetBytes;
        _entries = new TokenPrefix?[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(budgetBytes / (8 * MinBytes), 64, 1 << 16))];
    }

    /// <summary>Bytes in use.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Texts whose beginning was found.</summary>
    public long Hits => Volatile.Read(ref _hits);

    /// <summary>Prompts the hashes of whose first blocks were found.</summary>
    public long HashHits => Volatile.Read(ref _hashHits);

    /// <summary>Finds a beginning; its steps are taken from the budget of the patterns, as if they had run.</summary>
    internal TokenPrefix? Find(ulong hash, ReadOnlySpan<byte> text, TokenBuffer ids, ref long steps)
    {
        var index = (int)hash & (_entries.Length - 1);
        var entry = Volatile.Read(ref _entries[index]);
        if (entry is null || entry.Hash != hash)
        {
            entry = Volatile.Read(ref _entries[index ^ 1]);
            if (entry is null || entry.Hash != hash)
            {
                return null;
            }
        }

        if (entry.Steps > steps || !text.SequenceEqual(entry.Text))
        {
            return null;
        }

        entry.IsUsed = true;
        steps -= entry.Steps;
        ids.Add(entry.Ids);
        Interlocked.Increment(ref _hits);
        return entry;
    }

    /// <summary>Counts hashes that were found.</summary>
    internal ulong[] Found(ulong[] hashes)
    {
        Interlocked.Increment(ref _hashHits);
        return hashes;
    }

    /// <summary>Remembers that a beginning was seen; true where it had been before. It forgets now and then, and may mistake one for another.</summary>
    internal bool Saw(ulong hash)
    {
        ref var slot = ref _seen[(int)(hash >> 40) & (SeenSlots - 1)];
        if (Volatile.Read(ref slot) == hash)
        {
            return true;
        }

        Volatile.Write(ref slot, hash);
        return false;
    }

    /// <summary>Keeps a beginning, unless somebody else is keeping one at the moment; then null.</summary>
    internal TokenPrefix? Keep(ulong hash, ReadOnlySpan<byte> text, ReadOnlySpan<uint> ids, long steps)
    {
        var bytes = EntryBytes + text.Length + ((long)ids.Length * sizeof(uint));
        if (bytes > _budgetBytes / 4 || !_gate.TryEnter())
        {
            return null;
        }

        try
        {
            var index = (int)hash & (_entries.Length - 1);
            index = _entries[index] is { } other && (other.Hash == hash || _entries[index ^ 1] is null || other.IsUsed) && other.Hash != hash ? index ^ 1 : index;
            Remove(index);
            MakeRoom(bytes);
            _bytes += bytes;
            var kept = new TokenPrefix(this, hash, text.ToArray(), ids.ToArray(), steps, bytes);
            Volatile.Write(ref _entries[index], kept);
            return kept;
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>
    /// Keeps the hashes of a beginning's blocks, unless somebody else is keeping something at the moment or the beginning is gone. Salts of
    /// clients make chains of their own: one that is asked for once is not worth its memory.
    /// </summary>
    internal void KeepChain(TokenPrefix prefix, HashChainKey key, ReadOnlySpan<ulong> hashes, bool isNew)
    {
        var bytes = ChainBytes + ((long)hashes.Length * sizeof(ulong));
        if (bytes > _budgetBytes / 4 || (!isNew && !Saw(Mix(prefix.Hash, key))) || !_gate.TryEnter())
        {
            return;
        }

        try
        {
            prefix.IsUsed = true;
            MakeRoom(bytes);
            if (IsKept(prefix) && prefix.HasRoom)
            {
                _bytes += bytes;
                prefix.Add(key, hashes.ToArray(), bytes);
            }
        }
        finally
        {
            _gate.Exit();
        }
    }

    private static ulong Mix(ulong hash, HashChainKey key)
    {
        var shape = ((ulong)(uint)key.IdsBefore << 32) | ((uint)key.BlockTokens << 1) | (key.IsEagle ? 1U : 0U);
        return XxHash3.Hash64(XxHash3.Hash64(key.Seed, key.FirstSeed, shape), hash, shape);
    }

    private bool IsKept(TokenPrefix prefix)
    {
        var index = (int)prefix.Hash & (_entries.Length - 1);
        return _entries[index] == prefix || _entries[index ^ 1] == prefix;
    }

    /// <summary>A clock's hand: what was used since it last came by stays for one more round.</summary>
    private void MakeRoom(long bytes)
    {
        for (var step = 0; _bytes + bytes > _budgetBytes && step < 2 * _entries.Length; step++)
        {
            _hand = (_hand + 1) & (_entries.Length - 1);
            if (_entries[_hand] is { IsUsed: true } used)
            {
                used.IsUsed = false;
            }
            else
            {
                Remove(_hand);
            }
        }
    }

    private void Remove(int index)
    {
        _bytes -= _entries[index]?.Bytes ?? 0;
        Volatile.Write(ref _entries[index], null);
    }
}
