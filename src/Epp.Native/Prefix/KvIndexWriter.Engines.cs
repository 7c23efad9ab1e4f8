using System.Globalization;
using System.Text;
using Epp.Hashing;
using Epp.Native.KvEvents;

namespace Epp.Native.Prefix;

/// <summary>Engines' events: tokens in, copies counted, parents found even where they went lately (kv-routing §8, items 1 and 7).</summary>
public sealed partial class KvIndexWriter
{
    private readonly Dictionary<KvRank, PromptShape> _shapeOfRank = [];
    private readonly Dictionary<PromptShape, DynamoBlockHasher> _hashers = [];
    private readonly int[] _blockEnd = new int[1];
    private ulong[] _locals = new ulong[256];
    private ulong[] _objects = new ulong[16];
    private int[] _objectEnds = new int[16];
    private uint[] _window = [];
    private int _objectCount;

    private void StoreTokens(in KvStored stored)
    {
        var rank = stored.Head.Holder;
        if (stored.TokenIds.IsEmpty)
        {
            Announce(stored);
            return;
        }

        var shape = new PromptShape(stored.BlockTokens, stored.IdsPerToken == 2);
        var tokens = stored.TokenIds.Length / Math.Max(1, stored.IdsPerToken);
        if (stored.BlockTokens is < 1 or > PromptShape.MaxBlockTokens || tokens / stored.BlockTokens is var blocks && blocks == 0)
        {
            Reject();
            return;
        }

        LearnShape(rank, shape);
        var parent = 0UL;
        if (stored.HasParent && !_index.TryResolve(rank, stored.ParentHash, alsoGone: true, out parent))
        {
            _totals = _totals with { UnknownParents = _totals.UnknownParents + 1 };
            return;
        }

        blocks = Math.Min(blocks, stored.BlockHashes.Length);
        if (_locals.Length < blocks)
        {
            _locals = new ulong[blocks + (blocks / 2)];
        }

        var lora = Adapter(stored);
        ReadExtraKeys(stored, lora, blocks, out var salt);
        HashBlocks(stored, shape, lora, salt, _locals.AsSpan(0, blocks));
        var sequences = Sequences(blocks);
        Chain(_locals.AsSpan(0, blocks), stored.HasParent, parent, sequences);
        Put(stored, stored.BlockHashes[..blocks], sequences, counted: true);
    }

    /// <summary>Blocks the engine named before, now on another tier too.</summary>
    private void Announce(in KvStored stored)
    {
        var sequences = Sequences(stored.BlockHashes.Length);
        var known = 0;
        while (known < sequences.Length
            && _index.TryResolve(stored.Head.Holder, stored.BlockHashes[known], alsoGone: true, out sequences[known]))
        {
            known++;
        }

        _totals = _totals with { UnknownBlocks = _totals.UnknownBlocks + sequences.Length - known };
        Put(stored, stored.BlockHashes[..known], sequences[..known], counted: true);
    }

    private void LearnShape(KvRank rank, PromptShape shape)
    {
        if (_shapeOfRank.TryGetValue(rank, out var before))
        {
            if (before == shape)
            {
                return;
            }

            // Another engine answers under this address.
            _index.Clear(rank);
        }

        _shapeOfRank[rank] = shape;
        _shapes.Learn(shape);
    }

    /// <summary>The adapter's name; where the engine says a number only, a name no request can have.</summary>
    private ReadOnlySpan<byte> Adapter(in KvStored stored)
    {
        if (!stored.LoraName.IsEmpty)
        {
            _shapes.LearnAdapter(stored.LoraName);
            return stored.LoraName;
        }

        return stored.LoraId > 0 ? Encoding.ASCII.GetBytes("\0lora:" + stored.LoraId.ToString(CultureInfo.InvariantCulture)) : default;
    }

    /// <summary>
    /// Collects what else went into each block: objects and embeddings as numbers, and the salt of a prompt's first block, its last text.
    /// </summary>
    private void ReadExtraKeys(in KvStored stored, ReadOnlySpan<byte> lora, int blocks, out ReadOnlySpan<byte> salt)
    {
        salt = stored.HasParent ? default : stored.CacheSalt;
        _objectCount = 0;
        if (stored.ExtraKeys.IsEmpty)
        {
            return;
        }

        if (_objectEnds.Length < blocks)
        {
            _objectEnds = new int[blocks + (blocks / 2)];
        }

        var keys = new KvExtraKeys(stored.ExtraKeys);
        for (var block = 0; block < blocks; block++)
        {
            if (keys.NextBlock())
            {
                var last = ReadBlockKeys(ref keys, lora, firstOfPrompt: block == 0 && !stored.HasParent);
                salt = last.IsEmpty ? salt : last;
            }

            _objectEnds[block] = _objectCount;
        }
    }

    private ReadOnlySpan<byte> ReadBlockKeys(scoped ref KvExtraKeys keys, ReadOnlySpan<byte> lora, bool firstOfPrompt)
    {
        ReadOnlySpan<byte> last = default;
        while (keys.NextKey())
        {
            if (keys.Kind == KvExtraKeyKind.Text && keys.Value.SequenceEqual(lora))
            {
                continue;
            }

            if (keys.Kind == KvExtraKeyKind.Text && firstOfPrompt)
            {
                if (!last.IsEmpty)
                {
                    AddObject(last);
                }

                last = keys.Value;
                continue;
            }

            AddObject(keys.Value);
        }

        return last;
    }

    private void AddObject(ReadOnlySpan<byte> identifier)
    {
        if (!DynamoBlockHasher.TryObjectHash(identifier, out var hash))
        {
            return;
        }

        if (_objectCount == _objects.Length)
        {
            Array.Resize(ref _objects, _objectCount * 2);
        }

        _objects[_objectCount++] = hash;
    }

    private void HashBlocks(in KvStored stored, PromptShape shape, ReadOnlySpan<byte> lora, ReadOnlySpan<byte> salt, Span<ulong> locals)
    {
        var hasher = Hasher(shape);
        var seed = DynamoBlockHasher.Seed(lora);
        var width = shape.WindowTokens;
        for (var block = 0; block < locals.Length; block++)
        {
            var window = stored.TokenIds.Slice(block * shape.BlockTokens * stored.IdsPerToken, shape.BlockTokens * stored.IdsPerToken);
            hasher.Reset(block == 0 && !salt.IsEmpty ? DynamoBlockHasher.Seed(lora, salt) : seed);
            hasher.Append(shape.IsEagle ? Unpair(window, width) : window, locals.Slice(block, 1), default, ObjectsOf(block));
        }
    }

    private DynamoBlockObjects ObjectsOf(int block)
    {
        if (_objectCount == 0)
        {
            return default;
        }

        // One block at a time: its objects are those of block 0.
        var start = block == 0 ? 0 : _objectEnds[block - 1];
        _blockEnd[0] = _objectEnds[block] - start;
        return _blockEnd[0] == 0 ? default : new DynamoBlockObjects(_objects.AsSpan(start, _blockEnd[0]), _blockEnd);
    }

    /// <summary>Pairs of a token and its successor as the tokens of one window: the first of each pair, and the last successor.</summary>
    private ReadOnlySpan<uint> Unpair(ReadOnlySpan<uint> pairs, int width)
    {
        if (_window.Length < width)
        {
            _window = new uint[width];
        }

        for (var i = 0; i < width - 1; i++)
        {
            _window[i] = pairs[2 * i];
        }

        _window[width - 1] = pairs[^1];
        return _window.AsSpan(0, width);
    }

    private DynamoBlockHasher Hasher(PromptShape shape)
    {
        if (!_hashers.TryGetValue(shape, out var hasher))
        {
            // One window is one block.
            hasher = new DynamoBlockHasher(shape.WindowTokens);
            _hashers.Add(shape, hasher);
        }

        return hasher;
    }
}
