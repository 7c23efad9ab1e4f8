using Epp.Native.Wire.Nats;

namespace Epp.Aot.KvEvents.Nats;

/// <summary>What goes to the server: a queue with a bound and one writer.</summary>
internal sealed partial class NatsConnection
{
    private async Task WriteAsync(NatsLink link, CancellationToken ended)
    {
        try
        {
            while (true)
            {
                await _wake.WaitAsync(ended).ConfigureAwait(false);
                NatsOutbox sending;
                lock (_gate)
                {
                    sending = _outbox;
                    (_outbox, _spare) = (_spare, _outbox);
                }

                if (sending.Length > 0)
                {
                    await link.Stream.WriteAsync(sending.Waiting, ended).ConfigureAwait(false);
                    sending.Clear();
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            link.Abort(e.Message);
            _spare.Clear();
        }
    }

    private void Queue(Func<NatsOutbox, bool> write)
    {
        lock (_gate)
        {
            Note(write(_outbox));
        }
    }

    /// <summary>Wakes the writer, or counts what found no room.</summary>
    private bool Note(bool queued)
    {
        if (queued)
        {
            if (_wake.CurrentCount == 0)
            {
                _wake.Release();
            }
        }
        else
        {
            _series.AddDropped();
        }

        return queued;
    }

    private void Ping()
    {
        if (!IsConnected)
        {
            return;
        }

        if (Interlocked.Increment(ref _pingsOut) > MaxPingsOut)
        {
            Volatile.Read(ref _link)?.Abort("the server does not answer PING");
        }
        else
        {
            Queue(static box => box.TryPing());
        }
    }
}
