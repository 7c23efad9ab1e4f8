namespace Epp.Native.KvEvents;

/// <summary>Where a block lies.</summary>
public enum KvTier : byte
{
    /// <summary>Memory of the accelerator.</summary>
    Device = 0,

    /// <summary>Memory of the host.</summary>
    HostPinned,

    /// <summary>A local disk.</summary>
    Disk,

    /// <summary>Storage shared between workers.</summary>
    External,

    /// <summary>A name nobody told us; such blocks are not indexed.</summary>
    Unknown,
}

/// <summary>Tiers by the names that engines (<c>medium</c>) and Dynamo (<c>storage_tier</c>) give them; both are case-sensitive.</summary>
public static class KvTiers
{
    /// <summary>
    /// Tier of an engine's medium, as Dynamo 1.6 maps it (kv-routing §0, §2.2); an empty name is the device. <c>FS</c>, a file system in
    /// vLLM, has no name there and is <see cref="KvTier.Unknown"/>.
    /// </summary>
    public static KvTier OfMedium(ReadOnlySpan<byte> medium) => medium.Length switch
    {
        0 => KvTier.Device,
        3 when medium.SequenceEqual("GPU"u8) => KvTier.Device,
        3 when medium.SequenceEqual("CPU"u8) => KvTier.HostPinned,
        4 when medium.SequenceEqual("DISK"u8) || medium.SequenceEqual("NVME"u8) => KvTier.Disk,
        6 when medium.SequenceEqual("DEVICE"u8) => KvTier.Device,
        6 when medium.SequenceEqual("REMOTE"u8) || medium.SequenceEqual("SHARED"u8) => KvTier.External,
        7 when medium.SequenceEqual("STORAGE"u8) => KvTier.Disk,
        7 when medium.SequenceEqual("NETWORK"u8) => KvTier.External,
        8 when medium.SequenceEqual("EXTERNAL"u8) => KvTier.External,
        9 when medium.SequenceEqual("CPU_TIER1"u8) => KvTier.HostPinned,
        9 when medium.SequenceEqual("CPU_TIER2"u8) => KvTier.Disk,
        10 when medium.SequenceEqual("CPU_PINNED"u8) => KvTier.HostPinned,
        _ => KvTier.Unknown,
    };

    /// <summary>Tier of Dynamo's <c>storage_tier</c>.</summary>
    public static KvTier OfStorageTier(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("device"u8) ? KvTier.Device
        : name.SequenceEqual("host_pinned"u8) ? KvTier.HostPinned
        : name.SequenceEqual("disk"u8) ? KvTier.Disk
        : name.SequenceEqual("external"u8) ? KvTier.External
        : KvTier.Unknown;
}
