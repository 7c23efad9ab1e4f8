using System.Buffers.Binary;
using Epp.Aot.KvEvents.Zmq;
using Epp.Native.KvEvents.Engines;
using Epp.Native.Wire.Zmtp;

namespace Epp.Aot.KvEvents.Engines;

/// <summary>Takes what a replay brings.</summary>
internal interface IReplaySink
{
    /// <summary>One batch; false stops the replay.</summary>
    bool OnBatch(ulong sequence, ReadOnlySpan<byte> payload);
}

/// <summary>Asks an engine's replay socket for its batches from a number on (kv-routing §8.1), in both forms of the answer.</summary>
internal sealed class EngineReplay(EngineEventOptions options, ZmtpOptions wire, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _slots = new(options.MaxReplays);

    /// <summary>Empty where the end marker came or the sink stopped it; else why it failed.</summary>
    public async Task<string> RunAsync(string host, int port, ulong start, IReplaySink sink, CancellationToken cancellation)
    {
        await _slots.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var (connection, failure, _) = await ZmtpConnection.ConnectAsync(host, port, wire with { SocketType = ZmtpSocketType.Dealer }, [], options.ReplayIdle, cancellation).ConfigureAwait(false);
            if (connection is null)
            {
                return $"replay socket {host}:{port}: {failure}";
            }

            using (connection)
            {
                return await ReadAsync(connection, start, sink, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();

    private async Task<string> ReadAsync(ZmtpConnection connection, ulong start, IReplaySink sink, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        using var idle = time.CreateTimer(static c => ((ZmtpConnection)c!).Abort("no answer to a replay request in time"), connection, options.ReplayIdle, Timeout.InfiniteTimeSpan);
        using var stop = cancellation.UnsafeRegister(static c => ((ZmtpConnection)c!).Abort("stopped"), connection);
        var request = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(request, start);
        if (!connection.Send(default, request))
        {
            return connection.Failure;
        }

        while (true)
        {
            while (connection.TryRead())
            {
                if (!TryAccept(connection, sink, out var failure))
                {
                    return failure;
                }
            }

            if (time.GetElapsedTime(began) > options.ReplayTotal)
            {
                return $"the replay takes longer than {options.ReplayTotal.TotalSeconds:0} s";
            }

            idle.Change(options.ReplayIdle, Timeout.InfiniteTimeSpan);
            if (!await connection.FillAsync().ConfigureAwait(false))
            {
                return connection.Failure;
            }
        }
    }

    /// <summary><c>["", sequence, payload]</c>, newer engines <c>["", topic, sequence, payload]</c>. False at the end of the replay.</summary>
    private static bool TryAccept(ZmtpConnection connection, IReplaySink sink, out string failure)
    {
        failure = "";
        var first = connection.FrameCount > 0 && connection.Frame(0).IsEmpty ? 1 : 0;
        var rest = connection.FrameCount - first;
        if (rest is not (2 or 3) || !EngineMessage.TryReadSequence(connection.Frame(connection.FrameCount - 2), out var sequence))
        {
            failure = $"the replay socket answers with {connection.FrameCount} frames, 3 or 4 were expected";
            return false;
        }

        var payload = connection.Frame(connection.FrameCount - 1);
        return !(sequence == EngineMessage.EndOfReplay && payload.IsEmpty) && sink.OnBatch(sequence, payload);
    }
}
