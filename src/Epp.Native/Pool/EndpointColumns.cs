namespace Epp.Native.Pool;

/// <summary>
/// Live metrics of the pool, one array per metric, indexed by <see cref="EndpointIndex"/>. Written by <see cref="Pool"/> under its gate;
/// read without a lock: a reader may see values of two scrapes of one endpoint, never a torn number.
/// </summary>
public sealed class EndpointColumns(int capacity)
{
    /// <summary>Requests waiting in the engine's queue (contract §8).</summary>
    public double[] Waiting { get; } = new double[capacity];

    /// <summary>Requests the engine is running.</summary>
    public double[] Running { get; } = new double[capacity];

    /// <summary>KV cache use, 0 … 1; NaN where the engine does not report it.</summary>
    public double[] KvUsage { get; } = new double[capacity];

    /// <summary>Monotonic milliseconds of the last good scrape; 0 = never scraped.</summary>
    public long[] UpdatedMs { get; } = new long[capacity];

    /// <summary>True when the last scrape succeeded. An endpoint that is not live ranks behind every live one (contract §0a).</summary>
    public bool[] Live { get; } = new bool[capacity];

    /// <summary>Engine's KV block size in tokens; 0 = unknown.</summary>
    public int[] CacheBlockTokens { get; } = new int[capacity];

    /// <summary>Engine's number of KV blocks; 0 = unknown.</summary>
    public int[] CacheBlocks { get; } = new int[capacity];

    /// <summary>LoRA adapters the engine reports; null = none reported.</summary>
    public LoraState?[] Lora { get; } = new LoraState?[capacity];

    /// <summary>Slots.</summary>
    public int Capacity => Waiting.Length;
}

/// <summary>LoRA adapters of one engine, from <c>vllm:lora_requests_info</c>. Immutable.</summary>
/// <param name="Running">UTF-8 names of active adapters.</param>
/// <param name="Waiting">UTF-8 names of adapters that wait for a slot.</param>
/// <param name="MaxAdapters">Slots of the engine.</param>
public sealed record LoraState(byte[][] Running, byte[][] Waiting, int MaxAdapters);

/// <summary>What one good scrape of one endpoint found. Fields that the exposition lacks keep the column's last value.</summary>
public record struct EndpointMetrics
{
    /// <summary>NaN = not reported.</summary>
    public double Waiting { get; set; }

    /// <summary>NaN = not reported.</summary>
    public double Running { get; set; }

    /// <summary>0 … 1; NaN = not reported.</summary>
    public double KvUsage { get; set; }

    /// <summary>Tokens; 0 = not reported.</summary>
    public int CacheBlockTokens { get; set; }

    /// <summary>0 = not reported.</summary>
    public int CacheBlocks { get; set; }

    /// <summary>Null = not reported.</summary>
    public LoraState? Lora { get; set; }

    /// <summary>Nothing reported.</summary>
    public static EndpointMetrics None => new() { Waiting = double.NaN, Running = double.NaN, KvUsage = double.NaN };
}
