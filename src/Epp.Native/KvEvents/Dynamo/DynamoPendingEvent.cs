namespace Epp.Native.KvEvents.Dynamo;

/// <summary>A copy of an event that waits for a recovery.</summary>
internal sealed class DynamoPendingEvent
{
    private readonly KvEventHead _head;
    private readonly ulong[] _hashes;
    private readonly ulong[]? _tokensHashes;
    private readonly bool _hasParent;
    private readonly ulong _parent;
    private readonly int _startPosition;

    public DynamoPendingEvent(in KvStored stored)
    {
        (_head, _hasParent, _parent, _startPosition) = (stored.Head, stored.HasParent, stored.ParentHash, stored.StartPosition);
        (_hashes, _tokensHashes) = (stored.BlockHashes.ToArray(), stored.TokensHashes.ToArray());
    }

    public DynamoPendingEvent(in KvRemoved removed) => (_head, _hashes) = (removed.Head, removed.BlockHashes.ToArray());

    public ulong EventId => _head.EventId;

    public int Blocks => _hashes.Length;

    public void Apply(IKvEventSink sink)
    {
        if (_tokensHashes is null)
        {
            sink.Removed(new KvRemoved { Head = _head, BlockHashes = _hashes });
            return;
        }

        sink.Stored(new KvStored
        {
            Head = _head,
            HasParent = _hasParent,
            ParentHash = _parent,
            BlockHashes = _hashes,
            TokensHashes = _tokensHashes,
            StartPosition = _startPosition,
            IdsPerToken = 1,
            LoraId = -1,
        });
    }
}
