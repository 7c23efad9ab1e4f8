using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Epp.Native.Tokens.Patterns;

/// <summary>
/// The classes of 64 bytes, one bit per byte, so that a pattern finds the bounds of a dozen words by arithmetic on bits instead of a branch per
/// byte. Only the bytes before the first that is not ASCII count, and never the last one: bits beyond <see cref="Known"/> are 0.
/// </summary>
internal readonly struct AsciiWindow
{
    public const int Bytes = 64;

    private readonly Vector256<byte> _low;
    private readonly Vector256<byte> _high;

    /// <summary>Reads the first 64 bytes of a text that has so many.</summary>
    public AsciiWindow(ReadOnlySpan<byte> text)
    {
        var low = Vector256.Create(text[..32]);
        var high = Vector256.Create(text[32..Bytes]);
        (_low, _high) = (low, high);

        // All bits below the first byte that is not ASCII; the last bit is left out, so that sums of bits have room for a carry.
        var foreign = Bits(low, high) | (1ul << 63);
        Known = (foreign & (0 - foreign)) - 1;
        Letters = Known & Bits(
            Vector256.LessThanOrEqual((low | Vector256.Create((byte)0x20)) - Vector256.Create((byte)'a'), Vector256.Create((byte)25)),
            Vector256.LessThanOrEqual((high | Vector256.Create((byte)0x20)) - Vector256.Create((byte)'a'), Vector256.Create((byte)25)));
        Digits = Known & Between(low, high, (byte)'0', (byte)'9');
        Spaces = Known & Equal(low, high, (byte)' ');
        WhiteSpace = Spaces | (Known & Between(low, high, (byte)'\t', (byte)'\r'));
        NewLines = Known & (Equal(low, high, (byte)'\r') | Equal(low, high, (byte)'\n'));
    }

    /// <summary>Every byte whose class is known.</summary>
    public ulong Known { get; }

    public ulong Letters { get; }

    public ulong Digits { get; }

    /// <summary>U+0020 alone.</summary>
    public ulong Spaces { get; }

    /// <summary><c>\s</c>, line breaks included.</summary>
    public ulong WhiteSpace { get; }

    /// <summary><c>[\r\n]</c>.</summary>
    public ulong NewLines { get; }

    /// <summary><c>[^\s\p{L}\p{N}]</c>.</summary>
    public ulong Rest => Known & ~(Letters | Digits | WhiteSpace);

    /// <summary>A to Z.</summary>
    public ulong Capitals => Letters & ~Bits((_low.AsUInt16() << 2).AsByte(), (_high.AsUInt16() << 2).AsByte());

    /// <summary>U+0000 to U+001F and U+007F.</summary>
    public ulong Controls => Of(0x7F) | (Known & Between(_low, _high, 0, 0x1F));

    /// <summary>One ASCII byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Of(byte value) => Known & Equal(_low, _high, value);

    /// <summary>The members that follow another one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Behind(ulong members) => members << 1;

    /// <summary>The places before a member.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Before(ulong members) => members >> 1;

    /// <summary>The first member of each run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong First(ulong members) => members & ~(members << 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Equal(Vector256<byte> low, Vector256<byte> high, byte value) =>
        Bits(Vector256.Equals(low, Vector256.Create(value)), Vector256.Equals(high, Vector256.Create(value)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Between(Vector256<byte> low, Vector256<byte> high, byte first, byte last) => Bits(
        Vector256.LessThanOrEqual(low - Vector256.Create(first), Vector256.Create((byte)(last - first))),
        Vector256.LessThanOrEqual(high - Vector256.Create(first), Vector256.Create((byte)(last - first))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Bits(Vector256<byte> low, Vector256<byte> high) =>
        low.ExtractMostSignificantBits() | ((ulong)high.ExtractMostSignificantBits() << 32);
}
