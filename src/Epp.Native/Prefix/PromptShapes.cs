using Epp.Hashing;

namespace Epp.Native.Prefix;

/// <summary>How an engine cuts prompts into blocks.</summary>
/// <param name="BlockTokens">Tokens of a block, 1 … 65,536.</param>
/// <param name="IsEagle">A block's hash covers the token behind it too (EAGLE's bigrams).</param>
/// <param name="SaltsEveryBlock">A cache salt goes into every block, as in Dynamo, not into the first alone.</param>
public readonly record struct PromptShape(int BlockTokens, bool IsEagle = false, bool SaltsEveryBlock = false)
{
    /// <summary>Most tokens of a block that can be hashed.</summary>
    public const int MaxBlockTokens = 1 << 16;

    /// <summary>Tokens one block's hash covers.</summary>
    public int WindowTokens => BlockTokens + (IsEagle ? 1 : 0);
}

/// <summary>
/// The ways in which the engines behind an index cut prompts, and the adapters they named: what a request must know to be looked up. Learned
/// from events. Thread-safe; readers take no lock.
/// </summary>
public sealed class PromptShapes
{
    /// <summary>Shapes one index serves at most: each costs every request a hashing of its prompt.</summary>
    public const int MaxShapes = 8;

    private const int MaxAdapters = 4096;

    private readonly Lock _gate = new();
    private PromptShape[] _all = [];
    private HashSet<ulong> _adapters = [];
    private HashSet<ulong> _models = [];

    /// <summary>Every shape seen.</summary>
    public ReadOnlySpan<PromptShape> All => Volatile.Read(ref _all);

    /// <summary>Adds a shape; the ninth and later ones are not looked up.</summary>
    public void Learn(PromptShape shape)
    {
        lock (_gate)
        {
            if (_all.Length < MaxShapes && Array.IndexOf(_all, shape) < 0)
            {
                Volatile.Write(ref _all, [.. _all, shape]);
            }
        }
    }

    /// <summary>Adds the name of an adapter, UTF-8.</summary>
    public void LearnAdapter(ReadOnlySpan<byte> name) => Add(ref _adapters, XxHash3.Hash64(name));

    /// <summary>Adds the name of a base model, UTF-8; empty = unknown, nothing is added.</summary>
    public void LearnModel(ReadOnlySpan<byte> name)
    {
        if (!name.IsEmpty)
        {
            Add(ref _models, XxHash3.Hash64(name));
        }
    }

    /// <summary>
    /// The seed of a request's blocks. Where base models are known by name, every other name is an adapter's; where not, only the names that
    /// events gave to adapters are.
    /// </summary>
    public ulong Seed(ReadOnlySpan<byte> model, ReadOnlySpan<byte> salt)
    {
        var hash = XxHash3.Hash64(model);
        var models = Volatile.Read(ref _models);
        var isAdapter = models.Count > 0 ? !models.Contains(hash) : Volatile.Read(ref _adapters).Contains(hash);
        return DynamoBlockHasher.Seed(isAdapter ? model : default, salt);
    }

    private void Add(ref HashSet<ulong> names, ulong hash)
    {
        if (Volatile.Read(ref names).Contains(hash))
        {
            return;
        }

        lock (_gate)
        {
            if (names.Count < MaxAdapters)
            {
                Volatile.Write(ref names, [.. names, hash]);
            }
        }
    }
}
