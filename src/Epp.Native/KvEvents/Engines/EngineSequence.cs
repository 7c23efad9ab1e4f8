namespace Epp.Native.KvEvents.Engines;

/// <summary>What to do with a message of an engine.</summary>
public enum EngineStep : byte
{
    /// <summary>The next one, or the first where nothing is known: apply it.</summary>
    Apply = 0,

    /// <summary>Already applied, by a replay: leave it.</summary>
    Duplicate,

    /// <summary>Messages before it are missing, those from <see cref="EngineSequence.ReplayStart"/> on may be asked for.</summary>
    Gap,

    /// <summary>The numbers went backwards: the engine restarted and its blocks are gone.</summary>
    Restart,
}

/// <summary>
/// Follows the sequence numbers of one rank's publisher (kv-routing §8.1, §8.7). One publisher numbers from 0 and never repeats a number on
/// a connection, so a number that does not grow means another process. After a reconnect the engine may have restarted and run past the number we
/// know: a replay therefore begins with the last message applied, and its bytes tell whether it is the same engine. Not thread-safe.
/// </summary>
public sealed class EngineSequence
{
    private ulong _lastSeen;
    private bool _seenOnConnection;
    private bool _replayedOnConnection;
    private ulong _lastHash;

    /// <summary>Something was applied and is still valid.</summary>
    public bool HasState { get; private set; }

    /// <summary>Number of the next message.</summary>
    public ulong Next { get; private set; }

    /// <summary>What to ask a replay for: the last message applied, to recognise it, else everything.</summary>
    public ulong ReplayStart => HasState ? Next - 1 : 0;

    /// <summary>A new connection to the publisher.</summary>
    public void BeginConnection() => (_seenOnConnection, _replayedOnConnection) = (false, false);

    /// <summary>Judges a live message by its number.</summary>
    public EngineStep Observe(ulong sequence)
    {
        var backwards = _seenOnConnection && sequence <= _lastSeen;
        (_seenOnConnection, _lastSeen) = (true, sequence);
        if (backwards)
        {
            return EngineStep.Restart;
        }

        return !HasState ? (sequence == 0 ? EngineStep.Apply : EngineStep.Gap)
            : sequence == Next ? EngineStep.Apply
            : sequence > Next ? EngineStep.Gap
            : _replayedOnConnection ? EngineStep.Duplicate
            : EngineStep.Restart;
    }

    /// <summary>Whether a replayed message is the last one applied, so that the same engine still runs.</summary>
    public bool Recognises(ulong sequence, ulong payloadHash) => HasState && sequence == Next - 1 && payloadHash == _lastHash;

    /// <summary>A message was applied.</summary>
    public void Applied(ulong sequence, ulong payloadHash) => (HasState, Next, _lastHash) = (true, sequence + 1, payloadHash);

    /// <summary>A replay on this connection reached its end.</summary>
    public void Replayed() => _replayedOnConnection = true;

    /// <summary>The blocks of the rank were dropped; the next message may have any number.</summary>
    public void Reset() => (HasState, Next) = (false, 0);
}
