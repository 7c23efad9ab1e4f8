namespace Epp.Native.KvEvents.Dynamo;

/// <summary>The envelope of Dynamo's event plane (kv-routing §2.1). Spans point into the message or into the decoder that read it.</summary>
public ref struct DynamoEnvelope
{
    /// <summary>Publisher: the worker's instance id up to 1.3, a random number per publisher later.</summary>
    public ulong PublisherId { get; internal set; }

    /// <summary>Number of the message at its publisher, from 0. Up to 1.2 publishers of one process share ids: no key for duplicates.</summary>
    public ulong Sequence { get; internal set; }

    /// <summary>Unix time in milliseconds.</summary>
    public ulong PublishedAtMs { get; internal set; }

    /// <summary>For example <c>kv-events</c> or <c>kv_metrics</c>; empty where there was no envelope.</summary>
    public ReadOnlySpan<byte> Topic { get; internal set; }

    /// <summary>The payload, always as MessagePack.</summary>
    public ReadOnlySpan<byte> Payload { get; internal set; }
}
