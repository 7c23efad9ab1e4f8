namespace Epp.Native.Scheduling;

/// <summary>
/// A seeded generator (xoroshiro128++, Blackman and Vigna, prng.di.unimi.it; state filled by splitmix64). A mutable struct: one per
/// thread, passed by reference. For tie-breaks and sampling, not for secrets.
/// </summary>
public struct RandomSource
{
    private ulong _a;
    private ulong _b;

    public RandomSource(ulong seed)
    {
        _a = Mix(ref seed);
        _b = Mix(ref seed);
        if ((_a | _b) == 0)
        {
            _a = 1;
        }
    }

    /// <summary>False for the default value, which would only give zeroes.</summary>
    public readonly bool IsSeeded => (_a | _b) != 0;

    /// <summary>64 random bits.</summary>
    public ulong Next()
    {
        var a = _a;
        var b = _b;
        var result = ulong.RotateLeft(a + b, 17) + a;
        b ^= a;
        _a = ulong.RotateLeft(a, 49) ^ b ^ (b << 21);
        _b = ulong.RotateLeft(b, 28);
        return result;
    }

    /// <summary>Uniform in 0 … <paramref name="below"/> − 1; <paramref name="below"/> ≥ 1. The bias of the multiply is under 2⁻³².</summary>
    public int Next(int below) => (int)(((Next() >> 32) * (ulong)(uint)below) >> 32);

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Puts <paramref name="items"/> into a uniformly random order (Fisher–Yates).</summary>
    public void Shuffle(Span<int> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private static ulong Mix(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
