using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Epp.Native.Kernels;

/// <summary>Asks the processor for memory that will be read soon; changes nothing but time. Without effect where there is no such instruction.</summary>
public static class Prefetch
{
    private const int LineBytes = 64;

    /// <summary>Asks for the lines that end with a place.</summary>
    /// <param name="last">Inside of an array; the lines before it need not be.</param>
    /// <param name="lines">How many, ≥ 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Before<T>(ref readonly T last, int lines)
    {
        if (Sse.IsSupported)
        {
            // The address may be stale or foreign: a prefetch never faults.
            var place = (byte*)Unsafe.AsPointer(ref Unsafe.AsRef(in last));
            for (var line = 0; line < lines; line++)
            {
                Sse.Prefetch0(place - (line * LineBytes));
            }
        }
    }
}
