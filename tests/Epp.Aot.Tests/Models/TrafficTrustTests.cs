using Epp.Aot.Models;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Testing;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Tests.Models;

/// <summary>What the comparison with engines' events does to a model.</summary>
[Trait("Category", "Unit")]
public sealed class TrafficTrustTests : IDisposable
{
    private static readonly Endpoint Worker = new("default", "pod-1", "192.168.1.1", 8000);

    private readonly ByteModel _model = new(ByteTokenizer.Template);
    private readonly Lines _log = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task ThreeInARow_TurnExactMatchingOff_AndTheFirstIsSaidOnce()
    {
        await using var models = _model.Load(logger: _log);
        await Wait.UntilAsync(() => models.IsReady);
        Observe(models, ParityVerdict.Different, times: 2);
        Observe(models, ParityVerdict.Equal);
        Observe(models, ParityVerdict.Different, times: 2);
        Assert.True(IsExact(models));
        Observe(models, ParityVerdict.Different);
        Assert.False(IsExact(models));
        Assert.Contains("id 5 is 70, pod-1 stored 71", Assert.Single(_log.Text, static l => l.Contains("said once", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("id 5 is 70, pod-1 stored 71", Assert.Single(_log.Text, static l => l.Contains("exact matching is off", StringComparison.Ordinal)), StringComparison.Ordinal);

        // Agreement in the self-test alone is not enough, new files are.
        models.SetTrusted("m", true);
        Assert.False(IsExact(models));
        _model.Write("config.json", "{}");
        await Wait.UntilAsync(() => IsExact(models));
    }

    [Fact]
    public async Task AfterTenMinutes_ItIsTriedAgain_AndOneDifferenceIsEnough()
    {
        var clock = new TestClock();
        await using var models = new LocalModels([new("m", _model.Folder)], _log, clock, TimeSpan.FromMilliseconds(20));
        await Wait.UntilAsync(() => models.IsReady);
        Observe(models, ParityVerdict.Different, times: 3);
        clock.Advance(TimeSpan.FromMinutes(9.9));
        models.TryAgain();
        Assert.False(IsExact(models));
        clock.Advance(TimeSpan.FromMinutes(0.2));
        models.TryAgain();
        Assert.True(IsExact(models));
        Observe(models, ParityVerdict.Different);
        Assert.False(IsExact(models));
    }

    private static bool IsExact(LocalModels models) => ByteModel.Text(models, RequestApi.Completions, """{"model":"m","prompt":"abc"}""") == "abc";

    private static void Observe(LocalModels models, ParityVerdict verdict, int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            models.Observe(new ParityOutcome(verdict, [.. "m"u8], Worker, 5, 70, 71));
        }
    }

    private sealed class TestClock : TimeProvider
    {
        private long _offset;

        public override long GetTimestamp() => System.GetTimestamp() + Volatile.Read(ref _offset);

        public override long TimestampFrequency => System.TimestampFrequency;

        public void Advance(TimeSpan by) => Interlocked.Add(ref _offset, (long)(by.TotalSeconds * TimestampFrequency));
    }

    private sealed class Lines : ILogger
    {
        public List<string> Text { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (Text)
            {
                Text.Add(formatter(state, exception));
            }
        }
    }
}
