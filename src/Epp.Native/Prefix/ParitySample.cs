using Epp.Native.KvEvents;
using Epp.Native.Pool;

namespace Epp.Native.Prefix;

/// <summary>What comparing one request's ids with those its engine stored came to.</summary>
public enum ParityVerdict
{
    /// <summary>The engine stored nothing that can be told to be this request's, or did not serve it.</summary>
    Unknown = 0,

    /// <summary>Every full block that was kept of it was stored with our ids.</summary>
    Equal,

    /// <summary>The engine served it and stored other ids.</summary>
    Different,
}

/// <summary>
/// The first ids of one request, and how far its engine's events agree with them. A chain of blocks is followed from its root by the parent
/// each event names, so that what other requests store beside it, or share with it, does not confuse. Reused; its owner guards it.
/// </summary>
internal sealed class ParitySample
{
    /// <summary>Ids kept of a prompt: the template's head, the system prompt, and some of what the user wrote.</summary>
    public const int MaxTokens = 1024;

    private readonly uint[] _ids = new uint[MaxTokens];
    private readonly ulong[] _hashes = new ulong[MaxTokens];
    private byte[] _model = new byte[64];
    private int _modelLength;
    private int _count;
    private int _blockTokens;
    private int _expected;
    private int _matched;

    /// <summary>Where the request went; null = nothing pends.</summary>
    public Endpoint? Endpoint { get; private set; }

    /// <summary>Tells its uses apart.</summary>
    public int Number { get; private set; }

    public long SentMs { get; private set; }

    /// <summary>When the engine began to answer; −1 = not yet.</summary>
    public long AnsweredMs { get; set; }

    public ReadOnlySpan<byte> Model => _model.AsSpan(0, _modelLength);

    /// <summary>First position where the engine's ids go another way; −1 = none was seen.</summary>
    public int DiffersAt { get; private set; }

    public uint Ours { get; private set; }

    public uint Theirs { get; private set; }

    /// <summary>Every block that is waited for was stored.</summary>
    public bool IsComplete => _expected > 0 && _matched == _expected;

    public void Begin(Endpoint endpoint, ReadOnlySpan<byte> model, ReadOnlySpan<uint> ids, long nowMs)
    {
        _count = Math.Min(ids.Length, MaxTokens);
        ids[.._count].CopyTo(_ids);
        if (_model.Length < model.Length)
        {
            _model = new byte[model.Length];
        }

        model.CopyTo(_model);
        _modelLength = model.Length;
        (Endpoint, SentMs, AnsweredMs, DiffersAt, Ours, Theirs) = (endpoint, nowMs, -1, -1, 0, 0);
        (_blockTokens, _expected, _matched) = (0, 0, 0);
        Number++;
    }

    public void End() => Endpoint = null;

    /// <summary>Follows an event of the worker.</summary>
    public void Observe(in KvStored stored)
    {
        var size = stored.BlockTokens;
        if (size < 1 || stored.IdsPerToken != 1 || stored.TokenIds.Length < size || stored.Head.Tier != KvTier.Device || (_blockTokens > 0 && _blockTokens != size))
        {
            return;
        }

        (_blockTokens, _expected) = (size, _count / size);
        var block = 0;
        if (stored.HasParent)
        {
            block = _hashes.AsSpan(0, _matched).IndexOf(stored.ParentHash) + 1;
            if (block == 0)
            {
                return;
            }
        }

        for (var i = 0; i < stored.BlockHashes.Length && (i + 1) * size <= stored.TokenIds.Length && block < _expected; i++, block++)
        {
            var theirs = stored.TokenIds.Slice(i * size, size);
            var ours = _ids.AsSpan(block * size, size);
            var same = theirs.CommonPrefixLength(ours);
            if (same < size)
            {
                Differ((block * size) + same, ours[same], theirs[same]);
                return;
            }

            if (block == _matched)
            {
                _hashes[_matched++] = stored.BlockHashes[i];
            }
        }
    }

    /// <summary>What is known now; a difference counts where it is in the block that is waited for.</summary>
    public ParityVerdict Verdict() => IsComplete ? ParityVerdict.Equal
        : DiffersAt >= 0 && DiffersAt / _blockTokens == _matched ? ParityVerdict.Different
        : ParityVerdict.Unknown;

    private void Differ(int position, uint ours, uint theirs)
    {
        if (position > DiffersAt)
        {
            (DiffersAt, Ours, Theirs) = (position, ours, theirs);
        }
    }
}
