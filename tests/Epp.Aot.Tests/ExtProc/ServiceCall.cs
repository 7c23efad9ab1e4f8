using System.Buffers.Binary;
using System.IO.Pipelines;
using Epp.Aot.ExtProc;
using Epp.Aot.Grpc;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Proto = Epp.Testing.Protos;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>One call of the ext_proc service without a server: pipes in place of an HTTP/2 stream, the service's own loop between them.</summary>
internal sealed class ServiceCall : IHttpRequestFeature, IRequestBodyPipeFeature, IHttpResponseBodyFeature, IHttpResponseFeature, IHttpResponseTrailersFeature, IHttpRequestLifetimeFeature, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Pipe _in = new();
    private readonly Pipe _out = new(new PipeOptions(pauseWriterThreshold: 0));
    private readonly CancellationTokenSource _aborted = new();

    public ServiceCall(StreamServices services)
    {
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(this);
        features.Set<IRequestBodyPipeFeature>(this);
        features.Set<IHttpResponseBodyFeature>(this);
        features.Set<IHttpResponseFeature>(this);
        features.Set<IHttpResponseTrailersFeature>(this);
        features.Set<IHttpRequestLifetimeFeature>(this);
        Call = new GrpcCall(features, new GrpcOptions(), services.Time);
        Ended = Task.Run(() => new ExtProcService(services, NullLogger.Instance).ProcessAsync(Call));
    }

    public GrpcCall Call { get; }

    /// <summary>The status, once the service has ended the call.</summary>
    public Task<GrpcStatus> Ended { get; }

    public async Task SendAsync(Proto.ProcessingRequest message)
    {
        var bytes = message.ToByteArray();
        var framed = new byte[5 + bytes.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), bytes.Length);
        bytes.CopyTo(framed, 5);
        await _in.Writer.WriteAsync(framed);
    }

    /// <summary>The next answer.</summary>
    public async Task<Proto.ProcessingResponse> NextAsync()
    {
        using var late = new CancellationTokenSource(Patience);
        var head = await _out.Reader.ReadAtLeastAsync(5, late.Token);
        Assert.True(head.Buffer.Length >= 5, $"the call ended without an answer: {(Ended.IsCompleted ? await Ended : default)}");
        var length = BinaryPrimitives.ReadInt32BigEndian(System.Buffers.BuffersExtensions.ToArray(head.Buffer.Slice(1, 4)));
        _out.Reader.AdvanceTo(head.Buffer.Start);
        var all = await _out.Reader.ReadAtLeastAsync(5 + length, late.Token);
        var message = Proto.ProcessingResponse.Parser.ParseFrom(System.Buffers.BuffersExtensions.ToArray(all.Buffer.Slice(5, length)));
        _out.Reader.AdvanceTo(all.Buffer.GetPosition(5 + length));
        return message;
    }

    /// <summary>True while nothing was answered.</summary>
    public bool IsSilent
    {
        get
        {
            if (!_out.Reader.TryRead(out var read))
            {
                return true;
            }

            _out.Reader.AdvanceTo(read.Buffer.Start);
            return read.Buffer.IsEmpty;
        }
    }

    /// <summary>Answers that are left once the call has ended.</summary>
    public async Task<List<Proto.ProcessingResponse>> RestAsync()
    {
        await Ended.WaitAsync(Patience);
        await _out.Writer.CompleteAsync();
        var rest = new List<Proto.ProcessingResponse>();
        while (await _out.Reader.ReadAsync() is { Buffer.IsEmpty: false } read)
        {
            _out.Reader.AdvanceTo(read.Buffer.Start);
            rest.Add(await NextAsync());
        }

        return rest;
    }

    /// <summary>The client half-closes.</summary>
    public void HalfClose() => _in.Writer.Complete();

    /// <summary>The client resets the stream, as Envoy does.</summary>
    public void Reset()
    {
        _aborted.Cancel();
        _in.Writer.Complete(new IOException("the client reset the stream"));
    }

    public void Dispose() => _aborted.Dispose();

    public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();

    public IHeaderDictionary Trailers { get; set; } = new HeaderDictionary();

    PipeReader IRequestBodyPipeFeature.Reader => _in.Reader;

    PipeWriter IHttpResponseBodyFeature.Writer => _out.Writer;

    CancellationToken IHttpRequestLifetimeFeature.RequestAborted { get => _aborted.Token; set => throw new NotSupportedException(); }

    void IHttpRequestLifetimeFeature.Abort() => Reset();

    string IHttpRequestFeature.Protocol { get; set; } = "HTTP/2";

    string IHttpRequestFeature.Scheme { get; set; } = "http";

    string IHttpRequestFeature.Method { get; set; } = "POST";

    string IHttpRequestFeature.PathBase { get; set; } = "";

    string IHttpRequestFeature.Path { get; set; } = ExtProcService.ProcessPath;

    string IHttpRequestFeature.QueryString { get; set; } = "";

    string IHttpRequestFeature.RawTarget { get; set; } = ExtProcService.ProcessPath;

    Stream IHttpRequestFeature.Body { get; set; } = Stream.Null;

    Stream IHttpResponseBodyFeature.Stream => throw new NotSupportedException();

    int IHttpResponseFeature.StatusCode { get; set; } = 200;

    string? IHttpResponseFeature.ReasonPhrase { get; set; }

    Stream IHttpResponseFeature.Body { get; set; } = Stream.Null;

    bool IHttpResponseFeature.HasStarted => false;

    void IHttpResponseFeature.OnStarting(Func<object, Task> callback, object state) => throw new NotSupportedException();

    void IHttpResponseFeature.OnCompleted(Func<object, Task> callback, object state) => throw new NotSupportedException();

    void IHttpResponseBodyFeature.DisableBuffering() => throw new NotSupportedException();

    Task IHttpResponseBodyFeature.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHttpResponseBodyFeature.SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken) => throw new NotSupportedException();

    Task IHttpResponseBodyFeature.CompleteAsync() => Task.CompletedTask;
}
