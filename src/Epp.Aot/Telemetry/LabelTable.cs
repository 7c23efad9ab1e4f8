using System.Text;
using System.Text.Unicode;

namespace Epp.Aot.Telemetry;

/// <summary>One known value of a capped label. Immutable; compared by reference.</summary>
/// <param name="Id">Dense number in its table, from 0 (<c>other</c>).</param>
/// <param name="Text">The value.</param>
internal sealed record LabelValue(int Id, string Text);

/// <summary>
/// Distinct values of one label that clients choose, at most <c>limit</c>; further values, values over <see cref="MaxBytes"/> and invalid
/// UTF-8 become <c>other</c> (contract §7.3). Readers take no lock: nodes are immutable and published by a volatile store at the head of
/// their chain, so a reader sees a chain with or without the newest node, never a torn one. Writers serialise on a lock.
/// </summary>
internal sealed class LabelTable
{
    /// <summary>Longest value kept, in bytes; it bounds the memory a client can make the table hold.</summary>
    public const int MaxBytes = 256;

    /// <summary>Most values kept out of the limit: names come and go with configuration objects, and the table forgets none.</summary>
    public const int MaxKept = 10_000;

    private const int ChainCount = 2048;

    private readonly Node?[] _chains = new Node?[ChainCount];
    private readonly Lock _gate = new();
    private readonly int _limit;
    private int _count;
    private int _capped;
    private int _kept;

    /// <param name="limit">Distinct values before <c>other</c>.</param>
    public LabelTable(int limit)
    {
        _limit = limit;
    }

    /// <summary>What values beyond the limit become.</summary>
    public LabelValue Other { get; } = new(0, "other");

    /// <summary>The value's entry, made on first sight while the limit allows.</summary>
    public LabelValue Get(ReadOnlySpan<byte> value)
    {
        if (value.Length > MaxBytes)
        {
            return Other;
        }

        var hash = Hash(value);
        return Find(hash, value) ?? (Volatile.Read(ref _capped) >= _limit ? Other : Add(hash, value, capped: true));
    }

    /// <summary>Adds a value that does not count against the limit: names from configuration, at most <see cref="MaxKept"/> of them.</summary>
    public void Keep(ReadOnlySpan<byte> value)
    {
        if (value.Length <= MaxBytes)
        {
            Add(Hash(value), value, capped: false);
        }
    }

    private static uint Hash(ReadOnlySpan<byte> value)
    {
        // HashCode is seeded per process, so that clients cannot aim at one chain.
        var hash = new HashCode();
        hash.AddBytes(value);
        return (uint)hash.ToHashCode();
    }

    private LabelValue? Find(uint hash, ReadOnlySpan<byte> value)
    {
        for (var node = Volatile.Read(ref _chains[hash % ChainCount]); node is not null; node = node.Next)
        {
            if (node.Hash == hash && value.SequenceEqual(node.Utf8))
            {
                return node.Value;
            }
        }

        return null;
    }

    private LabelValue Add(uint hash, ReadOnlySpan<byte> value, bool capped)
    {
        lock (_gate)
        {
            if (Find(hash, value) is { } known)
            {
                return known;
            }

            if (!Utf8.IsValid(value) || (capped ? _capped >= _limit : _kept >= MaxKept))
            {
                return Other;
            }

            var added = new LabelValue(++_count, Encoding.UTF8.GetString(value));
            ref var head = ref _chains[hash % ChainCount];
            Volatile.Write(ref head, new Node(hash, value.ToArray(), added, head));
            Volatile.Write(ref _capped, _capped + (capped ? 1 : 0));
            _kept += capped ? 0 : 1;
            return added;
        }
    }

    private sealed record Node(uint Hash, byte[] Utf8, LabelValue Value, Node? Next);
}
