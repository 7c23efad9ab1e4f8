using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Dynamo;
using Epp.Native.Wire;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.KvEvents.Dynamo;

/// <summary>Takes the load that Dynamo's workers and routers report; any thread, one call at a time per source.</summary>
internal interface IDynamoLoadSink
{
    /// <summary>One report.</summary>
    void OnLoad(in DynamoLoad load);
}

/// <summary>
/// Where the messages of Dynamo's event plane come together, over NATS or ZMQ: decodes, orders and repairs by recovery queries. The caller says
/// where each rank can be asked; without that, events are applied as they come. Any thread may call.
/// </summary>
internal sealed class DynamoEventIntake : IKvEventSink, IAsyncDisposable
{
    private readonly DynamoEventOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly KvEventSeries _series;
    private readonly IDynamoLoadSink? _load;
    private readonly DynamoEventSequencer _sequencer;
    private readonly DynamoEventDecoder _decoder;
    private readonly DynamoEventDecoder _answers;
    private readonly DynamoRecoveryReader _reader = new();
    private readonly DynamoQueryClient _client;
    private readonly Dictionary<KvRank, DynamoQueryTarget> _targets = [];
    private readonly SemaphoreSlim _slots;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly ITimer _retry;
    private long _gaps;
    private long _duplicates;
    private ulong _seed;

    public DynamoEventIntake(DynamoEventOptions options, IKvEventTarget target, IDynamoLoadSink? load, TimeProvider time, ILogger logger, KvEventSeries series, ulong seed)
    {
        (_options, _time, _logger, _series, _load, _seed) = (options, time, logger, series, load, seed);
        _sequencer = new DynamoEventSequencer(target);
        var limits = KvDecodeLimits.Default with { MessageBytes = options.MaxMessageBytes };
        (_decoder, _answers) = (new DynamoEventDecoder(limits), new DynamoEventDecoder(limits));
        _client = new DynamoQueryClient(options, time, seed);
        _slots = new SemaphoreSlim(options.MaxRecoveries);
        _retry = time.CreateTimer(static i => ((DynamoEventIntake)i!).RetryFailed(), this, options.RetryFailed, options.RetryFailed);
    }

    /// <summary>The figures.</summary>
    public KvEventSeries Series => _series;

    /// <summary>One message of topic <c>kv-events</c>, <c>kv_metrics</c> or <c>forward-pass-metrics</c>, with or without its envelope.</summary>
    public void OnMessage(ReadOnlySpan<byte> message)
    {
        lock (_gate)
        {
            var error = _decoder.ReadEnvelope(message, out var envelope);
            if (error != KvDecodeError.None)
            {
                _series.Add(new KvDecodeResult(error));
                return;
            }

            var isPass = envelope.Topic.SequenceEqual("forward-pass-metrics"u8);
            if (isPass || envelope.Topic.SequenceEqual("kv_metrics"u8))
            {
                OnLoad(envelope.Payload, isPass);
                return;
            }

            _series.Add(_decoder.DecodePayload(envelope.Payload, this));
            AfterEvents();
        }
    }

    /// <summary>A worker is there. Needed only where one comes back under the id of one that was removed.</summary>
    public void AddWorker(ulong workerId)
    {
        lock (_gate)
        {
            _sequencer.AddWorker(workerId);
        }
    }

    /// <summary>Where a rank can be asked: its whole state is fetched at once.</summary>
    public void SetQueryTarget(KvRank rank, DynamoQueryTarget target)
    {
        lock (_gate)
        {
            var known = _targets.TryGetValue(rank, out var before) && before == target;
            _targets[rank] = target;
            if (!known)
            {
                _sequencer.AddRecovery(rank);
                AfterEvents();
            }
        }
    }

    /// <summary>A rank is gone: its blocks go before this returns, with the last rank its worker.</summary>
    public void RemoveRank(KvRank rank)
    {
        lock (_gate)
        {
            _targets.Remove(rank);
            _sequencer.RemoveRank(rank);
        }
    }

    /// <summary>A worker is gone: its blocks go before this returns.</summary>
    public void RemoveWorker(ulong workerId)
    {
        lock (_gate)
        {
            foreach (var rank in _targets.Keys)
            {
                if (rank.WorkerId == workerId)
                {
                    _targets.Remove(rank);
                }
            }

            _sequencer.RemoveWorker(workerId);
        }
    }

    /// <summary>The event plane was interrupted and is back: asks every rank for what was missed.</summary>
    public void Resume()
    {
        lock (_gate)
        {
            _sequencer.Resume();
            AfterEvents();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _retry.DisposeAsync().ConfigureAwait(false);
        _client.Dispose();
    }

    void IKvEventSink.Stored(in KvStored stored)
    {
        _series.AddStored(stored.BlockHashes.Length);
        _sequencer.Stored(stored);
    }

    void IKvEventSink.Removed(in KvRemoved removed)
    {
        _series.AddRemoved(removed.BlockHashes.Length);
        _sequencer.Removed(removed);
    }

    void IKvEventSink.Cleared(in KvCleared cleared)
    {
        _series.AddCleared();
        _sequencer.Cleared(cleared);
    }

    private void OnLoad(ReadOnlySpan<byte> payload, bool isPass)
    {
        if (isPass ? DynamoLoad.TryReadPass(payload, out var load) : DynamoLoad.TryRead(payload, out load))
        {
            _load?.OnLoad(load);
        }
        else
        {
            _series.AddUndecodableMessage();
        }
    }

    private void RetryFailed()
    {
        lock (_gate)
        {
            _sequencer.RetryFailed();
            AfterEvents();
        }
    }

    /// <summary>Figures and recoveries that the events brought up.</summary>
    private void AfterEvents()
    {
        for (; _gaps < _sequencer.Gaps; _gaps++)
        {
            _series.AddGap();
        }

        for (; _duplicates < _sequencer.Duplicates; _duplicates++)
        {
            _series.AddDuplicate();
        }

        while (_sequencer.TryTakeRestore(out var restore))
        {
            _ = RecoverAsync(restore, ++_seed);
        }
    }

    private async Task RecoverAsync(DynamoRestore restore, ulong seed)
    {
        var reason = "stopped";
        try
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            var delay = new RetryDelay(seed, TimeSpan.FromSeconds(10), _options.FirstPause);
            for (var attempt = 0; attempt < _options.Attempts && !_stop.IsCancellationRequested; attempt++)
            {
                if (attempt > 0)
                {
                    await Task.Delay(delay.Next(), _time, _stop.Token).ConfigureAwait(false);
                }

                reason = await AttemptAsync(restore).ConfigureAwait(false);
                if (reason.Length == 0)
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (Exception e)
        {
            KvEventLog.Unexpected(_logger, $"worker {restore.Rank.WorkerId}", e);
        }

        lock (_gate)
        {
            _sequencer.Fail(restore);
        }

        _series.AddRepair(false);
        KvEventLog.RecoveryFailed(_logger, restore.Rank.WorkerId, restore.Rank.DpRank, reason);
    }

    /// <summary>One query; empty where its answer was applied.</summary>
    private async Task<string> AttemptAsync(DynamoRestore restore)
    {
        DynamoQueryTarget? target;
        lock (_gate)
        {
            _targets.TryGetValue(restore.Rank, out target);
        }

        if (target is null)
        {
            return "its recovery endpoint is gone";
        }

        await _slots.WaitAsync(_stop.Token).ConfigureAwait(false);
        try
        {
            var (answer, failure) = await _client.AskAsync(target, Query(target, restore), _stop.Token).ConfigureAwait(false);
            return answer is null ? failure : Apply(restore, answer);
        }
        finally
        {
            _slots.Release();
        }
    }

    private static byte[] Query(DynamoQueryTarget target, in DynamoRestore restore)
    {
        if (!target.MsgPack)
        {
            return DynamoRecoveryReader.JsonRequest(restore.Rank, restore.Start);
        }

        var writer = new MsgPackWriter();
        DynamoRecoveryReader.WriteRequest(writer, restore.Rank, restore.Start);
        return writer.Written.ToArray();
    }

    private string Apply(in DynamoRestore restore, byte[] bytes)
    {
        lock (_gate)
        {
            if (!_reader.TryRead(bytes, out var answer))
            {
                return "the answer cannot be read";
            }

            if (!_sequencer.Complete(restore, answer, _answers))
            {
                return $"the worker answers {answer.Kind}";
            }

            _series.AddRepair(true);
            AfterEvents();
            return "";
        }
    }
}
