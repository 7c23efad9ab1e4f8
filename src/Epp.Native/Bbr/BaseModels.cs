using System.Text;

namespace Epp.Native.Bbr;

/// <summary>One base model with adapters of it; several may name the same base model (contract §9.3).</summary>
/// <param name="baseModel">Its name.</param>
/// <param name="adapters">Names of LoRA adapters.</param>
public sealed class BaseModelGroup(string baseModel, IReadOnlyList<string> adapters)
{
    /// <summary>Its name.</summary>
    public string BaseModel => baseModel;

    /// <summary>Names of LoRA adapters.</summary>
    public IReadOnlyList<string> Adapters => adapters;
}

/// <summary>
/// Which base model a name stands for: an adapter's, or a base model itself (contract §9.3). Immutable; safe to share.
/// </summary>
public sealed class BaseModels
{
    private const int StackChars = 256;

    private readonly Dictionary<string, byte[]> _bases = new(StringComparer.Ordinal);

    /// <summary>Knows no model.</summary>
    public static BaseModels Empty { get; } = new([]);

    /// <param name="groups">Where two name the same adapter the first counts.</param>
    public BaseModels(IReadOnlyList<BaseModelGroup> groups)
    {
        foreach (var group in groups)
        {
            var utf8 = Encoding.UTF8.GetBytes(group.BaseModel);
            foreach (var adapter in group.Adapters)
            {
                _bases.TryAdd(adapter, utf8);
            }
        }

        // Adapters first: a name that is both stands for the adapter's base model.
        foreach (var group in groups)
        {
            _bases.TryAdd(group.BaseModel, Encoding.UTF8.GetBytes(group.BaseModel));
        }
    }

    /// <summary>Names known.</summary>
    public int Count => _bases.Count;

    /// <summary>The base model of a model's name, blanks around it ignored; empty = unknown.</summary>
    public ReadOnlySpan<byte> Find(ReadOnlySpan<byte> model)
    {
        if (_bases.Count == 0)
        {
            return default;
        }

        var most = Encoding.UTF8.GetMaxCharCount(model.Length);
        Span<char> chars = most <= StackChars ? stackalloc char[StackChars] : new char[most];
        ReadOnlySpan<char> name = chars[..Encoding.UTF8.GetChars(model, chars)];
        return _bases.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name.Trim(), out var found) ? found : default;
    }
}
