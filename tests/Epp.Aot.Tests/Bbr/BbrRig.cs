using System.Buffers;
using System.Buffers.Binary;
using Epp.Aot.Bbr;
using Epp.Aot.Grpc;
using Epp.Aot.Kubernetes;
using Epp.Aot.Tests.ExtProc;
using Epp.Native.Memory;
using Epp.Native.Wire;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Proto = Epp.Testing.Protos;

namespace Epp.Aot.Tests.Bbr;

/// <summary>A body-based router without sockets, and base models <c>qwen</c> with the adapter <c>sql</c>.</summary>
internal sealed class BbrRig
{
    private readonly int _segmentsBefore = BodyBuffer.OutstandingSegments;

    public BbrRig(BbrOptions options)
    {
        var models = new BaseModelStore(NullLogger.Instance);
        models.Replace([Map("m", "qwen", "- sql")]);
        models.Flush();
        Metrics = new BbrMetrics(options.Dialect, "1.0", TimeProvider.System);
        Services = new BbrServices(options, options.WantsBaseModels ? models : null, Metrics, new SteppedTime(), NullLogger.Instance);
    }

    public BbrMetrics Metrics { get; }

    public BbrServices Services { get; }

    public static ConfigMap Map(string name, string baseModel, string? adapters = null, string ns = "ns", int created = 0) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = ns, ResourceVersion = "1", CreationTimestamp = DateTimeOffset.UnixEpoch.AddSeconds(created) },
        Data = adapters is null ? new() { ["baseModel"] = baseModel } : new() { ["baseModel"] = baseModel, ["adapters"] = adapters },
    };

    public BbrExchange Open() => new(Services);

    /// <summary>Nothing is held any more.</summary>
    public void AssertAtRest()
    {
        Assert.Equal(0, Services.Budget.UsedBytes);
        Assert.Equal(_segmentsBefore, BodyBuffer.OutstandingSegments);
    }
}

/// <summary>One stream: messages in, decoded answers out, driven as the service drives it.</summary>
internal sealed class BbrExchange(BbrServices services) : IDisposable
{
    private readonly BbrStream _stream = new(services);
    private readonly ArrayBufferWriter<byte> _output = new();

    /// <summary>Set once the router has ended the stream.</summary>
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

        Assert.Equal(_output.WrittenCount > 0, _stream.HasOutput);
        _stream.HasOutput = false;
        return Decode(_output.WrittenSpan);
    }

    /// <summary>Sends a message that has exactly one answer.</summary>
    public Proto.ProcessingResponse Ask(Proto.ProcessingRequest message) => Assert.Single(Send(message));

    public void Dispose() => _stream.Finish();

    private static List<Proto.ProcessingResponse> Decode(ReadOnlySpan<byte> bytes)
    {
        var messages = new List<Proto.ProcessingResponse>();
        while (!bytes.IsEmpty)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes[1..]);
            messages.Add(Proto.ProcessingResponse.Parser.ParseFrom(bytes.Slice(5, length)));
            bytes = bytes[(5 + length)..];
        }

        return messages;
    }
}
