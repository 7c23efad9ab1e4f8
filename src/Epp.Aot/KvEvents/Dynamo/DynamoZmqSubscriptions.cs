using System.Collections.Concurrent;
using Epp.Aot.KvEvents.Zmq;
using Epp.Native.KvEvents.Dynamo;
using Epp.Native.Wire.Zmtp;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.KvEvents.Dynamo;

/// <summary>
/// Follows Dynamo's event plane on ZMQ in direct mode: connects to every publisher that discovery names. Topic, publisher and sequence stand in
/// frames of their own; the numbers that count are those of the events. Any thread may call.
/// </summary>
internal sealed class DynamoZmqSubscriptions(DynamoEventIntake intake, DynamoEventOptions options, TimeProvider time, ILogger logger, ulong seed) : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly byte[][] Topics = ["kv-events"u8.ToArray(), "kv_events"u8.ToArray(), "kv_metrics"u8.ToArray(), "forward-pass-metrics"u8.ToArray()];

    private readonly ConcurrentDictionary<string, CancellationTokenSource> _publishers = new(StringComparer.Ordinal);
    private readonly ZmtpOptions _wire = new(ZmtpSocketType.Sub, options.MaxMessageBytes);
    private ulong _seed = seed;

    /// <summary>Connects to a publisher, <c>tcp://host:port</c>; false where that is no such address. Twice is once.</summary>
    public bool Add(string endpoint)
    {
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme != "tcp" || uri.Port <= 0)
        {
            return false;
        }

        var stop = new CancellationTokenSource();
        if (_publishers.TryAdd(endpoint, stop))
        {
            _ = FollowAsync(endpoint, uri, Interlocked.Increment(ref _seed), stop.Token);
        }

        return true;
    }

    /// <summary>A publisher is gone. Its worker's blocks are the intake's affair.</summary>
    public void Remove(string endpoint)
    {
        if (_publishers.TryRemove(endpoint, out var stop))
        {
            stop.Cancel();
        }
    }

    public void Dispose()
    {
        foreach (var endpoint in _publishers.Keys)
        {
            Remove(endpoint);
        }
    }

    private async Task FollowAsync(string name, Uri uri, ulong seed, CancellationToken stop)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var delay = new RetryDelay(seed, options.RetryCap);
        var wasConnected = false;
        var said = "";
        while (!stop.IsCancellationRequested)
        {
            var failure = "";
            try
            {
                (var connection, failure, _) = await ZmtpConnection.ConnectAsync(uri.Host.Trim('[', ']'), uri.Port, _wire, Topics, ConnectTimeout, stop).ConfigureAwait(false);
                if (connection is not null)
                {
                    delay.Reset();
                    KvEventLog.Connected(logger, name);
                    if (wasConnected)
                    {
                        intake.Resume();
                    }

                    wasConnected = true;
                    said = "";
                    failure = await ReadAsync(connection, stop).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                KvEventLog.Unexpected(logger, name, e);
            }

            if (!stop.IsCancellationRequested && said != failure)
            {
                KvEventLog.Interrupted(logger, name, failure);
                said = failure;
            }

            await Task.Delay(delay.Next(), time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<string> ReadAsync(ZmtpConnection connection, CancellationToken stop)
    {
        intake.Series.Connect(1);
        try
        {
            using var registration = stop.UnsafeRegister(static c => ((ZmtpConnection)c!).Abort("stopped"), connection);
            do
            {
                var messages = 0;
                while (connection.TryRead())
                {
                    messages++;
                    if (connection.FrameCount == DynamoZmqMessage.Frames && DynamoZmqMessage.TryUnwrap(connection.Frame(3), out var envelope))
                    {
                        intake.OnMessage(envelope);
                    }
                    else
                    {
                        intake.Series.AddUndecodableMessage();
                    }
                }

                if (messages > 0)
                {
                    intake.Series.AddMessages(messages, (long)time.GetElapsedTime(0).TotalMilliseconds);
                }
            }
            while (await connection.FillAsync().ConfigureAwait(false));
            return connection.Failure;
        }
        finally
        {
            intake.Series.Connect(-1);
            intake.Series.AddReconnect();
            connection.Dispose();
        }
    }
}
