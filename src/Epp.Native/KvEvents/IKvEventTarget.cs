namespace Epp.Native.KvEvents;

/// <summary>
/// What a subscriber drives: the events of its workers in order, and the ends of holders. May be called by several threads; the calls about one
/// worker come one after the other.
/// </summary>
public interface IKvEventTarget : IKvEventSink
{
    /// <summary>A worker is gone, with every rank: its blocks go.</summary>
    void DropWorker(ulong workerId);

    /// <summary>One rank's blocks go: its engine restarted, a gap cannot be repaired, or a dump that replaces them follows.</summary>
    void DropRank(KvRank rank);
}
