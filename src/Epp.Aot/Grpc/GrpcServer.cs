using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Epp.Aot.Grpc;

/// <summary>Serves the method of one call until it ends; the status becomes the call's trailers.</summary>
public delegate Task<GrpcStatus> GrpcMethod(GrpcCall call);

/// <summary>
/// Dispatches HTTP/2 requests of one Kestrel to gRPC methods by path, and plain HTTP requests (the metrics port) to
/// <paramref name="http"/>. Methods may differ by port: the same Kestrel listens on all of them.
/// </summary>
/// <param name="methods">By local port, then by <c>/package.Service/Method</c>.</param>
/// <param name="http">Handlers by local port for ports that speak HTTP instead of gRPC.</param>
/// <param name="options">Limits.</param>
/// <param name="time">Clock of the deadlines.</param>
public sealed class GrpcServer(
    IReadOnlyDictionary<int, Dictionary<string, GrpcMethod>> methods,
    IReadOnlyDictionary<int, Func<IFeatureCollection, Task>> http,
    GrpcOptions options,
    TimeProvider time) : IHttpApplication<IFeatureCollection>
{
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    public Task ProcessRequestAsync(IFeatureCollection context)
    {
        var port = context.GetRequiredFeature<IHttpConnectionFeature>().LocalPort;
        if (http.TryGetValue(port, out var handler))
        {
            return handler(context);
        }

        var request = context.GetRequiredFeature<IHttpRequestFeature>();
        if (request.Method != "POST" || !request.Headers.ContentType.ToString().StartsWith("application/grpc", StringComparison.Ordinal))
        {
            context.GetRequiredFeature<IHttpResponseFeature>().StatusCode = 415;
            return Task.CompletedTask;
        }

        return methods.TryGetValue(port, out var services) && services.TryGetValue(request.Path, out var method)
            ? ServeAsync(context, method)
            : Unimplemented(context, port, request.Path);
    }

    private async Task ServeAsync(IFeatureCollection context, GrpcMethod method)
    {
        using var call = new GrpcCall(context, options, time);
        if (call.UnknownEncoding is { } encoding)
        {
            context.GetRequiredFeature<IHttpResponseFeature>().Headers["grpc-accept-encoding"] = "identity,gzip";
            call.Finish(new GrpcStatus(GrpcCode.Unimplemented, $"grpc: Decompressor is not installed for grpc-encoding \"{encoding}\""));
            return;
        }

        call.Finish(await method(call));
    }

    private Task Unimplemented(IFeatureCollection context, int port, string path)
    {
        using var call = new GrpcCall(context, options, time);
        // The wording of Go's gRPC server, which operators know from their gateways' logs.
        var slash = path.LastIndexOf('/');
        var service = slash > 0 ? path[1..slash] : "";
        var known = slash > 0 && methods.TryGetValue(port, out var services) && services.Keys.Any(m => m.StartsWith(path[..(slash + 1)], StringComparison.Ordinal));
        var text = slash <= 0 ? $"malformed method name: \"{path}\""
            : known ? $"unknown method {path[(slash + 1)..]} for service {service}"
            : $"unknown service {service}";
        call.Finish(new GrpcStatus(GrpcCode.Unimplemented, text));
        return Task.CompletedTask;
    }
}
