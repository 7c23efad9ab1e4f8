using System.Text;
using Epp.Native.KvEvents;
using Epp.Native.Wire.Zmtp;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.KvEvents.Engines;

/// <summary>What the subscriptions to all engines share.</summary>
internal sealed class EngineContext : IDisposable
{
    public EngineContext(EngineEventOptions options, IKvEventTarget target, TimeProvider time, ILogger logger, KvEventSeries series)
    {
        Options = options;
        Target = target;
        Time = time;
        Logger = logger;
        Series = series;
        Wire = new ZmtpOptions(
            ZmtpSocketType.Sub,
            options.MaxMessageBytes,
            User: options.User is null ? null : Encoding.UTF8.GetBytes(options.User),
            Password: options.Password is null ? null : Encoding.UTF8.GetBytes(options.Password));
        Subscriptions = [Encoding.UTF8.GetBytes(options.TopicFilter)];
        Replay = new EngineReplay(options, Wire, time);
    }

    public EngineEventOptions Options { get; }

    public IKvEventTarget Target { get; }

    public TimeProvider Time { get; }

    public ILogger Logger { get; }

    public KvEventSeries Series { get; }

    public ZmtpOptions Wire { get; }

    public byte[][] Subscriptions { get; }

    public EngineReplay Replay { get; }

    public long NowMs => (long)Time.GetElapsedTime(0).TotalMilliseconds;

    public void Dispose() => Replay.Dispose();
}
