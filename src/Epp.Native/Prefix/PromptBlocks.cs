using Epp.Hashing;
using Epp.Native.Tokens;

namespace Epp.Native.Prefix;

/// <summary>The sequence hashes of one prompt's full blocks. Reused; not thread-safe.</summary>
public sealed class PromptBlocks
{
    private ulong[] _locals = new ulong[256];
    private ulong[] _sequences = new ulong[256];
    private DynamoBlockHasher? _hasher;
    private PromptShape _shape;

    /// <summary>Full blocks of the last prompt.</summary>
    public int Count { get; private set; }

    /// <summary>Their sequence hashes, in order.</summary>
    public ReadOnlySpan<ulong> Sequences => _sequences.AsSpan(0, Count);

    /// <summary>
    /// The tokens an engine takes from its cache: the block with a prompt's last token is always computed anew (kv-routing §8, item 2).
    /// </summary>
    public static int HitTokens(int promptTokens, int heldBlocks, PromptShape shape) =>
        promptTokens == 0 ? 0 : shape.BlockTokens * Math.Min(heldBlocks, (promptTokens - 1) / shape.BlockTokens);

    /// <summary>Hashes a prompt.</summary>
    /// <param name="tokens">Its token ids.</param>
    /// <param name="shape">How the engine cuts it.</param>
    /// <param name="seed">Seed of every block, from the adapter.</param>
    /// <param name="firstSeed">Seed of the first block, from adapter and salt: engines salt it alone.</param>
    /// <param name="beginning">What is kept of the prompt's beginning: blocks hashed before are not hashed again.</param>
    public void Hash(ReadOnlySpan<uint> tokens, PromptShape shape, ulong seed, ulong firstSeed, TokenBeginning beginning = default)
    {
        if (_hasher is null || _shape != shape)
        {
            _hasher = new DynamoBlockHasher(shape.BlockTokens, shape.IsEagle);
            _shape = shape;
        }

        _hasher.Reset(firstSeed);
        Count = _hasher.BlocksAfter(tokens.Length);
        if (_sequences.Length < Count)
        {
            _sequences = new ulong[Count + (Count / 2)];
            _locals = new ulong[_sequences.Length];
        }

        if (Count == 0)
        {
            return;
        }

        var key = new HashChainKey(shape.BlockTokens, shape.IsEagle, beginning.IdsBefore, seed, firstSeed);
        var known = beginning.Known is { } prefix ? prefix.HashesOf(key) : default;
        known.CopyTo(_sequences);
        var done = known.Length;
        if (done == 0 && firstSeed != seed)
        {
            done = _hasher.Append(tokens[..shape.WindowTokens], _locals, _sequences);
        }

        if (done > 0)
        {
            _hasher.Resume(seed, done, _sequences[done - 1]);
        }

        _hasher.Append(tokens[(done * shape.BlockTokens)..], _locals, _sequences.AsSpan(done));
        if (known.IsEmpty)
        {
            beginning.Known?.Keep(key, _sequences.AsSpan(0, beginning.Known.Blocks(key)), isNew: false);
        }

        beginning.Grown?.Keep(key, _sequences.AsSpan(0, beginning.Grown.Blocks(key)), isNew: true);
    }
}
