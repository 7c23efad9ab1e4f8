/* Runs before the .NET runtime starts, whose own check of the instruction set ends in an abort that tells an operator nothing.
 * The list is IlcInstructionSet of Epp.Aot.csproj; exit code 78 is EX_CONFIG of sysexits.h. */
#include <unistd.h>

__attribute__((constructor(101))) static void epp_check_cpu(void)
{
    static const char message[] =
        "epp: this CPU lacks AVX2, BMI1/2, LZCNT, POPCNT, FMA or MOVBE, which this build needs; "
        "use a newer CPU, or the baseline build (EppInstructionSet=baseline)\n";
    unsigned a, b, c, d, ext_b, ext_c;

    __builtin_cpu_init();
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
    __asm__ volatile("cpuid" : "=a"(a), "=b"(ext_b), "=c"(ext_c), "=d"(d) : "a"(0x80000001), "c"(0));
    /* MOVBE: leaf 1, ECX bit 22. LZCNT: leaf 0x80000001, ECX bit 5. The others know whether the kernel saves the wide registers. */
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")
        && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("fma") && (c >> 22 & 1) && (ext_c >> 5 & 1))
    {
        return;
    }

    if (write(2, message, sizeof message - 1) < 0)
    {
        _exit(78);
    }

    _exit(78);
}
