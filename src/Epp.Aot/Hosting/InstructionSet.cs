using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Epp.Aot.Hosting;

/// <summary>What the kernels run on (docs/adr/0002).</summary>
internal static class InstructionSet
{
    /// <summary>Exit code where the CPU lacks what the build needs: EX_CONFIG.</summary>
    public const int MissingExitCode = 78;

    /// <summary>For the start log.</summary>
    public static string Name => Vector512.IsHardwareAccelerated ? "AVX-512" : Avx2.IsSupported ? "AVX2" : "baseline";
}
