using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Epp.Aot.Configuration;
using Epp.Aot.ExtProc;
using Epp.Aot.FlowControl;
using Epp.Aot.Grpc;
using Epp.Aot.Hosting;
using Epp.Aot.Telemetry;
using Epp.Native;
using Epp.Native.Memory;
using Epp.Native.Objectives;
using Epp.Native.Pool;
using Epp.Native.Requests;
using Epp.Native.Wire;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Proto = Epp.Testing.Protos;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>An EPP without sockets: everything between a decoded message and the bytes of its answer, over a pool of live endpoints.</summary>
internal sealed class Rig
{
    private readonly int _segmentsBefore = BodyBuffer.OutstandingSegments;

    /// <param name="options">Limits and switches; null = defaults.</param>
    /// <param name="config">An EndpointPickerConfig; null = the built-in one, in the options' dialect.</param>
    /// <param name="endpoints">Endpoints <c>10.0.0.1:8000</c>, <c>10.0.0.2:8000</c> …; the first has the shortest queue.</param>
    public Rig(ExtProcOptions? options = null, string? config = null, int endpoints = 1)
    {
        options ??= new ExtProcOptions();
        var text = config ?? Encoding.UTF8.GetString(EppConfigLoader.BuiltIn);
        text = options.Dialect == Dialect.Gaie ? text.Replace(EppConfigLoader.LlmDVersion, EppConfigLoader.GaieVersion, StringComparison.Ordinal) : text;
        var loaded = EppConfigLoader.Load(Encoding.UTF8.GetBytes(text), "test", allowExperimental: true);
        Assert.Empty(loaded.Errors);
        Metrics = new EppMetrics(new EppMetricsOptions("pool", options.Dialect), Pool, Time);
        Context = new SchedulerContext(
            Pool,
            Seed: 7,
            static (r, rules, block, max, into) => ApproxPrefixHasher.Hash(r.Scan!, r.Body!, r.TargetModel, r.CacheSalt, rules, block, max, into),
            PrefixBudgetBytes: 1 << 20);
        Config = loaded.Config!;
        RewriteNames.Keep(Objectives, Metrics);
        Director = new Director(
            Pool, RoutingPlan.Create(Config, Context, Metrics), Objectives, Metrics, options, Time, new PickLog(NullLogger.Instance));
        Flow = FlowControlMode.Create(
            Config, new FlowContext(Pool, options.Dialect == Dialect.Gaie ? null : Objectives, () => Director.Plan.Saturation, Metrics, Time, NullLogger.Instance), TimeSpan.FromMilliseconds(250));
        Director.Gate = Flow?.Gate;
        Services = new StreamServices(
            Pool, Director, Metrics, options, new ParserSet(loaded.Config!), new BodyBudget(options.MaxBufferedBytes), Time, NullLogger.Instance, Inflight: Flow?.Inflight);
        Publish(endpoints);
    }

    public Pool Pool { get; } = new();

    public ObjectiveStore Objectives { get; } = new();

    public EppConfig Config { get; }

    public SchedulerContext Context { get; }

    public Director Director { get; }

    /// <summary>Null where the configuration does not ask for it.</summary>
    public FlowControlMode? Flow { get; }

    public EppMetrics Metrics { get; }

    public StreamServices Services { get; }

    public SteppedTime Time { get; } = new();

    /// <summary>Replaces the pool; endpoint i waits with i requests.</summary>
    public void Publish(int endpoints)
    {
        Pool.Publish([.. Enumerable.Range(1, endpoints).Select(i => new Endpoint("default", $"e{i}", $"10.0.0.{i}", 8000))]);
        foreach (var i in Pool.Current.Indexes)
        {
            Pool.Update(Pool.Current[i], EndpointMetrics.None with { Waiting = i, Running = 0, KvUsage = 0 }, 1);
        }
    }

    public Exchange Open() => new(Services);

    /// <summary>The series of a model that is not rewritten.</summary>
    public RequestSeries Series(string model)
    {
        var name = Encoding.UTF8.GetBytes(model);
        return Metrics.Requests(name, name, default, 0);
    }

    public string Exposition() => Telemetry.Exposition.Write(Metrics);

    /// <summary>Nothing is held and nothing counts as running any more.</summary>
    public void AssertAtRest()
    {
        Assert.Equal(0, Services.Budget.UsedBytes);
        Assert.Equal(_segmentsBefore, BodyBuffer.OutstandingSegments);
        Assert.All(Pool.Current.Indexes, i => Assert.Equal(0, Pool.Current[i].InflightRequests));
        Assert.DoesNotContain(
            Exposition().Split('\n'),
            line => line.StartsWith("llm_d_epp_request_running{", StringComparison.Ordinal) && !line.EndsWith(" 0", StringComparison.Ordinal));
    }
}

/// <summary>A clock that a test moves.</summary>
internal sealed class SteppedTime : TimeProvider
{
    private long _ticks = 1_000_000;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    public override DateTimeOffset GetUtcNow() => new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public void Advance(double seconds) => _ticks += (long)(seconds * TimeSpan.TicksPerSecond);
}

/// <summary>One stream: messages in, decoded answers out, driven as the service drives it.</summary>
internal sealed class Exchange(StreamServices services) : IDisposable
{
    private readonly ExtProcStream _stream = new(services);
    private readonly ArrayBufferWriter<byte> _output = new();

    /// <summary>Set once the EPP has ended the stream.</summary>
    public GrpcStatus? Status { get; private set; }

    /// <summary>Sends a message and returns what it is answered with.</summary>
    public IReadOnlyList<Proto.ProcessingResponse> Send(Proto.ProcessingRequest message)
    {
        Assert.Null(Status);
        Assert.True(ProcessingRequest.TryDecode(message.ToByteArray(), out var request));
        _output.ResetWrittenCount();
        Status = _stream.Handle(in request, _output);
        while (_stream.HasReply)
        {
            _stream.WriteReply(_output);
        }

        Assert.True(_stream.HasOutput || _output.WrittenCount == 0, "bytes were written that nobody would flush");
        if (_stream.HasOutput)
        {
            _stream.HasOutput = false;
            _stream.AfterAnswer();
        }

        return Decode(_output.WrittenSpan);
    }

    /// <summary>Sends a message that has exactly one answer.</summary>
    public Proto.ProcessingResponse Ask(Proto.ProcessingRequest message) => Assert.Single(Send(message));

    /// <summary>Sends a message that is answered with a refusal, which ends the stream.</summary>
    public Proto.ImmediateResponse Refused(Proto.ProcessingRequest message)
    {
        var answer = Ask(message);
        Assert.Equal(Proto.ProcessingResponse.ResponseOneofCase.ImmediateResponse, answer.ResponseCase);
        Assert.Equal(GrpcStatus.Ok, Status);
        return answer.ImmediateResponse;
    }

    public void Dispose() => _stream.Finish();

    private static List<Proto.ProcessingResponse> Decode(ReadOnlySpan<byte> bytes)
    {
        var messages = new List<Proto.ProcessingResponse>();
        while (!bytes.IsEmpty)
        {
            Assert.Equal(0, bytes[0]);
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes[1..]);
            messages.Add(Proto.ProcessingResponse.Parser.ParseFrom(bytes.Slice(5, length)));
            bytes = bytes[(5 + length)..];
        }

        return messages;
    }
}

/// <summary>Tests that count buffers of the whole process: one after the other.</summary>
[CollectionDefinition("ext_proc", DisableParallelization = true)]
public sealed class ExtProcCollection;
