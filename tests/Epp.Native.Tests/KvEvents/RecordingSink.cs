using Epp.Native.KvEvents;

namespace Epp.Native.Tests.KvEvents;

/// <summary>One event as a test compares it.</summary>
internal sealed record Seen(
    string Kind,
    KvEventHead Head,
    ulong[] Hashes,
    ulong[]? TokensHashes = null,
    ulong? Parent = null,
    int StartPosition = -1,
    uint[]? Tokens = null,
    int IdsPerToken = 1,
    int BlockTokens = 0,
    long LoraId = -1,
    string LoraName = "",
    string CacheSalt = "",
    string ExtraKeys = "",
    KvCacheKind CacheKind = KvCacheKind.Unsaid,
    bool WholeWorker = false);

/// <summary>Copies every event it gets.</summary>
internal sealed class RecordingSink : IKvEventSink
{
    public List<Seen> Events { get; } = [];

    public void Stored(in KvStored stored) => Events.Add(new Seen(
        "stored",
        stored.Head,
        stored.BlockHashes.ToArray(),
        stored.TokensHashes.ToArray(),
        stored.HasParent ? stored.ParentHash : null,
        stored.StartPosition,
        stored.TokenIds.ToArray(),
        stored.IdsPerToken,
        stored.BlockTokens,
        stored.LoraId,
        Text(stored.LoraName),
        Text(stored.CacheSalt),
        Keys(stored.ExtraKeys),
        stored.CacheKind));

    public void Removed(in KvRemoved removed) => Events.Add(new Seen("removed", removed.Head, removed.BlockHashes.ToArray()));

    public void Cleared(in KvCleared cleared) => Events.Add(new Seen("cleared", cleared.Head, [], WholeWorker: cleared.WholeWorker));

    private static string Text(ReadOnlySpan<byte> utf8) => System.Text.Encoding.UTF8.GetString(utf8);

    /// <summary>One line of text: blocks in brackets, texts plain, bytes in hex, objects with their offset.</summary>
    private static string Keys(ReadOnlySpan<byte> extraKeys)
    {
        var line = "";
        var keys = new KvExtraKeys(extraKeys);
        while (keys.NextBlock())
        {
            line += "[";
            while (keys.NextKey())
            {
                line += keys.Kind switch
                {
                    KvExtraKeyKind.Text => Text(keys.Value),
                    KvExtraKeyKind.Bytes => Convert.ToHexStringLower(keys.Value),
                    _ => $"{Text(keys.Value)}@{keys.Offset}",
                } + ";";
            }

            line += "]";
        }

        return line;
    }
}
