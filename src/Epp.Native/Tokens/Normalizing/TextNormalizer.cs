using Epp.Native.Tokens.Patterns;

namespace Epp.Native.Tokens.Normalizing;

/// <summary>Rewrites a stretch of text between added tokens. Immutable; what it needs while it runs is in <see cref="NormalizerState"/>.</summary>
internal abstract class TextNormalizer
{
    /// <summary>Whether the text would come out as it is, as far as that is cheap to see. Saves the copy.</summary>
    public virtual bool Keeps(ReadOnlySpan<byte> text) => false;

    /// <summary>Writes the rewritten text.</summary>
    public abstract TokenizeStatus Apply(ReadOnlySpan<byte> text, ByteBuffer output, NormalizerState state);
}

/// <summary>What normalizers need while they run. One per thread.</summary>
internal sealed class NormalizerState(PatternState patterns)
{
    public PatternState Patterns { get; } = patterns;

    /// <summary>Code points of the text at hand, and the combining class of each.</summary>
    public CodePointBuffer CodePoints { get; } = new();

    /// <summary>
    /// Whether the first character of what was written stands for the first one of the whole input. Metaspace's scheme "first" asks for
    /// it: it follows the alignment of the library it imitates, not the eye.
    /// </summary>
    public bool StartsInput { get; set; }
}

/// <summary>A growing run of code points, reused from call to call.</summary>
internal sealed class CodePointBuffer
{
    private const int KeptCodePoints = 1 << 18;

    private int[] _items = new int[256];

    public int Count { get; private set; }

    public Span<int> Items => _items.AsSpan(0, Count);

    public void Clear()
    {
        Count = 0;
        if (_items.Length > KeptCodePoints)
        {
            _items = new int[KeptCodePoints];
        }
    }

    public void Add(int item)
    {
        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Count * 2);
        }

        _items[Count++] = item;
    }

    public void Truncate(int count) => Count = count;
}
