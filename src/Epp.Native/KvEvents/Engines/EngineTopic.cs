namespace Epp.Native.KvEvents.Engines;

/// <summary>The topic <c>kv@{pod}@{model}</c> by which engines that connect to us name themselves (kv-routing §8.7).</summary>
public static class EngineTopic
{
    /// <summary>Splits a topic of exactly three parts; any other is the name of the pod as a whole, without a model.</summary>
    public static void Split(ReadOnlySpan<byte> topic, out ReadOnlySpan<byte> pod, out ReadOnlySpan<byte> model)
    {
        pod = topic;
        model = default;
        var first = topic.IndexOf((byte)'@');
        var last = topic.LastIndexOf((byte)'@');
        if (first >= 0 && last > first && topic[(first + 1)..last].IndexOf((byte)'@') < 0)
        {
            pod = topic[(first + 1)..last];
            model = topic[(last + 1)..];
        }
    }
}

/// <summary>Frames of a message from an engine: <c>[topic?, sequence (8 bytes, big-endian), payload]</c>.</summary>
public static class EngineMessage
{
    /// <summary>The number of the marker that ends a replay.</summary>
    public const ulong EndOfReplay = ulong.MaxValue;

    /// <summary>Reads the sequence frame.</summary>
    public static bool TryReadSequence(ReadOnlySpan<byte> frame, out ulong sequence)
    {
        sequence = frame.Length == 8 ? System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(frame) : 0;
        return frame.Length == 8;
    }
}
