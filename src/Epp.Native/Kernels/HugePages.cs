using System.Runtime.InteropServices;

namespace Epp.Native.Kernels;

/// <summary>Tables on large pages: reading a table of thousands of pages at random misses the TLB each time, beside the cache.</summary>
public static partial class HugePages
{
    private const nuint PageBytes = 2 << 20;

    /// <summary>MADV_HUGEPAGE of Linux.</summary>
    private const int HugePage = 14;

    /// <summary>
    /// A zeroed array; where it is large and the system agrees (Linux, transparent huge pages "madvise" or "always"), on pages of 2 MiB. A refusal
    /// changes speed only, and so would an array that moves.
    /// </summary>
    /// <param name="length">Elements, ≥ 0.</param>
    public static unsafe T[] Allocate<T>(int length)
        where T : unmanaged
    {
        // Large arrays are pages that nobody has touched: they are advised before they exist.
        var array = new T[length];
        var bytes = (nuint)length * (nuint)sizeof(T);
        if (bytes >= 2 * PageBytes && OperatingSystem.IsLinux())
        {
            fixed (T* start = array)
            {
                var first = ((nuint)start + PageBytes - 1) & ~(PageBytes - 1);
                _ = MAdvise(first, ((nuint)start + bytes - first) & ~(PageBytes - 1), HugePage);
            }
        }

        return array;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MAdvise(nuint address, nuint length, int advice);
}
