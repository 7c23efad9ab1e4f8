using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Text;
using Epp.Native.Wire.Nats;

namespace Epp.Aot.KvEvents.Nats;

/// <summary>What came back for a request.</summary>
/// <param name="Payload">The answer; null where there is none.</param>
/// <param name="Failure">Why there is none.</param>
/// <param name="Status">Status in the headers; 0 = none.</param>
/// <param name="Reply">Where the answer itself wants an answer, as for JetStream messages; empty = nowhere.</param>
internal sealed record NatsAnswer(byte[]? Payload, string Failure = "", int Status = 0, string Reply = "");

/// <summary>Requests, answered in an inbox of this connection.</summary>
internal sealed partial class NatsConnection
{
    private const int MaxRequests = 4096;
    private const int NoResponders = 503;

    private readonly ConcurrentDictionary<long, TaskCompletionSource<NatsAnswer>> _requests = new();
    private long _lastRequest;

    /// <summary>Sends a request and waits for its first answer. Never throws for what may happen to a request.</summary>
    public async Task<NatsAnswer> RequestAsync(string subject, ReadOnlyMemory<byte> payload, TimeSpan timeout, CancellationToken cancellation)
    {
        if (_requests.Count >= MaxRequests)
        {
            return new NatsAnswer(null, $"more than {MaxRequests} requests are waiting");
        }

        var number = Interlocked.Increment(ref _lastRequest);
        var answer = new TaskCompletionSource<NatsAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        _requests[number] = answer;
        if (!Publish(Encoding.UTF8.GetBytes(subject), Encoding.ASCII.GetBytes(_inbox + number.ToString(System.Globalization.CultureInfo.InvariantCulture)), payload.Span))
        {
            _requests.TryRemove(number, out _);
            return new NatsAnswer(null, "not connected to a NATS server, or the request is too large");
        }

        await using var timer = _time.CreateTimer(static t => ((TaskCompletionSource<NatsAnswer>)t!).TrySetResult(new NatsAnswer(null, "no answer in time")), answer, timeout, Timeout.InfiniteTimeSpan).ConfigureAwait(false);
        using var stop = cancellation.UnsafeRegister(static t => ((TaskCompletionSource<NatsAnswer>)t!).TrySetResult(new NatsAnswer(null, "stopped")), answer);
        var result = await answer.Task.ConfigureAwait(false);
        _requests.TryRemove(number, out _);
        return result;
    }

    private void OnAnswer(in NatsFrame message)
    {
        if (message.Subject.Length <= _inbox.Length
            || !Utf8Parser.TryParse(message.Subject[_inbox.Length..], out long number, out _)
            || !_requests.TryRemove(number, out var waiting))
        {
            return;
        }

        var status = message.Status;
        waiting.TrySetResult(status == NoResponders
            ? new NatsAnswer(null, "nobody listens on the subject", status)
            : new NatsAnswer(message.Payload.ToArray(), "", status, Encoding.UTF8.GetString(message.Reply)));
    }

    private void FailRequests(string reason)
    {
        foreach (var number in _requests.Keys)
        {
            if (_requests.TryRemove(number, out var waiting))
            {
                waiting.TrySetResult(new NatsAnswer(null, reason));
            }
        }
    }

    private sealed class InboxSink(NatsConnection connection) : INatsSink
    {
        public void OnMessage(in NatsFrame message) => connection.OnAnswer(message);

        public void OnConnected()
        {
        }
    }
}
