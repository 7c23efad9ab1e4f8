using Epp.Native.Tokens.Patterns;

namespace Epp.Native.Tokens.Splitting;

/// <summary>One step of the pre-tokenizer: divides pieces further, or rewrites their text. Immutable; safe to share.</summary>
internal abstract class PreTokenStage
{
    /// <summary>Whether the text is rewritten; then <see cref="Apply"/> fills the output and the pieces are of that.</summary>
    public virtual bool Rewrites => false;

    public abstract TokenizeStatus Apply(ReadOnlySpan<byte> text, ReadOnlySpan<Piece> from, PieceList into, ByteBuffer output, PreTokenState state);
}

/// <summary>What stages need while they run.</summary>
internal sealed class PreTokenState(PatternState patterns)
{
    public PatternState Patterns { get; } = patterns;

    /// <summary>Whether position 0 of the text is where the whole input starts.</summary>
    public bool StartsInput { get; set; }
}
