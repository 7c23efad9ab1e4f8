namespace Epp.Native.FlowControl;

/// <summary>One request in flow control. Set up by its owner, then owned by one <see cref="FlowController"/> until it has an outcome. Not thread-safe.</summary>
public class FlowItem : Ranked
{
    private byte[] _fairnessId = [];
    private int _fairnessIdLength;

    /// <summary>Which flow of its band it belongs to, UTF-8.</summary>
    public ReadOnlySpan<byte> FairnessId => _fairnessId.AsSpan(0, _fairnessIdLength);

    /// <summary>Of its objective.</summary>
    public int Priority { get; private set; }

    /// <summary>Of its body.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>Monotonic milliseconds at which its first message came.</summary>
    public long ReceivedMs { get; private set; }

    /// <summary>Time to first token its client asks for; negative = none.</summary>
    public long SloMs { get; private set; }

    /// <summary>Monotonic milliseconds at which it was queued.</summary>
    public long EnqueuedMs { get; internal set; }

    public FlowOutcome Outcome { get; protected internal set; }

    internal FlowQueue? Queue { get; set; }

    /// <summary>Makes it a new request.</summary>
    public void Begin(int priority, ReadOnlySpan<byte> fairnessId, long sizeBytes, long receivedMs, long sloMs = -1)
    {
        if (_fairnessId.Length < fairnessId.Length)
        {
            _fairnessId = new byte[fairnessId.Length];
        }

        fairnessId.CopyTo(_fairnessId);
        _fairnessIdLength = fairnessId.Length;
        (Priority, SizeBytes, ReceivedMs, SloMs) = (priority, sizeBytes, receivedMs, sloMs);
        Outcome = FlowOutcome.NotYetFinalized;
    }
}
