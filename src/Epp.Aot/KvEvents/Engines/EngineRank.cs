using Epp.Hashing;
using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Engines;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.KvEvents.Engines;

/// <summary>
/// One rank of an engine: judges each message by its number and repairs what is missing by a replay, during which the live connection is not
/// read, so that TCP and the engine's own bounded queue hold what comes. One caller at a time; <see cref="Turn"/> where several are possible.
/// </summary>
internal sealed class EngineRank : IReplaySink
{
    private readonly EngineWorker _worker;
    private readonly EngineContext _context;
    private readonly EngineSequence _sequence = new();
    private readonly int _replayPort;
    private KvRank _holder;
    private long _replayNotBeforeMs;
    private bool _resync;
    private bool _recognise;
    private bool _mismatch;

    public EngineRank(EngineWorker worker, uint rank, EngineContext context)
    {
        _worker = worker;
        _context = context;
        _holder = new KvRank(worker.Id, rank);
        _replayPort = context.Options.ReplayPort > 0 && worker.Address.Length > 0 ? context.Options.ReplayPort + (int)rank : 0;
        Name = $"{worker.Address}, rank {rank}";
    }

    /// <summary>For log lines.</summary>
    public string Name { get; }

    /// <summary>Keeps connections of one rank apart.</summary>
    public SemaphoreSlim Turn { get; } = new(1);

    /// <summary>The connection that speaks for the rank: the newest.</summary>
    public long Owner { get; private set; }

    private bool CanReplay => _replayPort > 0 && _context.NowMs >= _replayNotBeforeMs;

    /// <summary>A new connection; with a replay socket, what was missed is fetched first.</summary>
    public ValueTask BeginAsync(long connection, CancellationToken cancellation)
    {
        Owner = connection;
        _sequence.BeginConnection();
        return CanReplay ? new ValueTask(RepairAsync(cancellation)) : ValueTask.CompletedTask;
    }

    /// <summary>Applies a message if it is the next one; false where <see cref="RepairAsync"/> must come first, and then the message again.</summary>
    public bool TryApply(ulong sequence, ReadOnlySpan<byte> payload)
    {
        var step = _sequence.Observe(sequence);
        if (step == EngineStep.Restart)
        {
            _context.Series.AddRestart();
            KvEventLog.Restarted(_context.Logger, Name);
            Drop();
        }
        else if (step == EngineStep.Duplicate)
        {
            _context.Series.AddDuplicate();
            return true;
        }
        else if (step == EngineStep.Gap && _sequence.HasState)
        {
            _context.Series.AddGap();
        }

        if ((step is EngineStep.Gap or EngineStep.Restart || _resync) && CanReplay)
        {
            return false;
        }

        if (step == EngineStep.Gap && _replayPort > 0)
        {
            // What is missing cannot be fetched now; blocks learned before it may be gone.
            Drop();
        }

        Apply(sequence, payload);
        return true;
    }

    /// <summary>Applies the message that showed the gap, unless the replay brought it.</summary>
    public void ApplyAfterRepair(ulong sequence, ReadOnlySpan<byte> payload)
    {
        if (_sequence.HasState && sequence < _sequence.Next)
        {
            _context.Series.AddDuplicate();
            return;
        }

        if (_sequence.HasState && sequence > _sequence.Next)
        {
            Drop();
        }

        Apply(sequence, payload);
    }

    /// <summary>Nobody listens where the engine was: its process has ended, and its blocks with it.</summary>
    public void EngineGone()
    {
        if (_sequence.HasState)
        {
            _context.Series.AddRestart();
            KvEventLog.Restarted(_context.Logger, Name);
            Drop();
        }
    }

    bool IReplaySink.OnBatch(ulong sequence, ReadOnlySpan<byte> payload)
    {
        if (_recognise)
        {
            _recognise = false;
            if (_sequence.Recognises(sequence, XxHash3.Hash64(payload)))
            {
                return true;
            }

            if (sequence < _sequence.Next)
            {
                // The same number, other bytes: another process answers.
                _mismatch = true;
                return false;
            }

            // The engine no longer has the message we know, so what lies between is lost.
            _context.Series.AddGap();
            Drop();
        }
        else if (_sequence.HasState && sequence != _sequence.Next)
        {
            if (sequence < _sequence.Next)
            {
                return true;
            }

            _context.Series.AddGap();
            Drop();
        }

        Apply(sequence, payload);
        return true;
    }

    /// <summary>Fetches what is missing.</summary>
    public async Task RepairAsync(CancellationToken cancellation)
    {
        if (_resync)
        {
            // Learned since a replay failed, without what came before.
            Drop();
        }

        var known = _sequence.HasState;
        var failure = await ReplayAsync(cancellation).ConfigureAwait(false);
        if (failure.Length == 0 && known && (_mismatch || _recognise))
        {
            _context.Series.AddRestart();
            KvEventLog.Restarted(_context.Logger, Name);
            Drop();
            failure = await ReplayAsync(cancellation).ConfigureAwait(false);
        }

        if (cancellation.IsCancellationRequested)
        {
            return;
        }

        _context.Series.AddRepair(failure.Length == 0);
        _resync = failure.Length > 0;
        if (failure.Length == 0)
        {
            _sequence.Replayed();
            return;
        }

        KvEventLog.ReplayFailed(_context.Logger, Name, failure);
        Drop();
        _replayNotBeforeMs = _context.NowMs + (long)_context.Options.ReplayCooldown.TotalMilliseconds;
    }

    /// <summary>One replay; afterwards <c>_recognise</c> is still set where no batch came.</summary>
    private Task<string> ReplayAsync(CancellationToken cancellation)
    {
        _mismatch = false;
        _recognise = _sequence.HasState;
        return _context.Replay.RunAsync(_worker.Address, _replayPort, _sequence.ReplayStart, this, cancellation);
    }

    private void Apply(ulong sequence, ReadOnlySpan<byte> payload)
    {
        _worker.Apply(payload, sequence, ref _holder);
        // Only a replay compares the bytes.
        _sequence.Applied(sequence, _replayPort > 0 ? XxHash3.Hash64(payload) : 0);
    }

    private void Drop()
    {
        _worker.DropRank(_holder);
        _sequence.Reset();
    }
}
