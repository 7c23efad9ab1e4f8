namespace Epp.Aot.ExtProc;

/// <summary>Names on the wire, each once, lower-case as HTTP/2 carries them (contract §2).</summary>
internal static class WellKnownHeaders
{
    public static ReadOnlySpan<byte> DestinationEndpoint => "x-gateway-destination-endpoint"u8;

    public static ReadOnlySpan<byte> DestinationEndpointScores => "x-gateway-destination-endpoint-scores"u8;

    /// <summary>Namespace of the dynamic metadata that repeats the destination.</summary>
    public static ReadOnlySpan<byte> LoadBalancerNamespace => "envoy.lb"u8;

    /// <summary>The references write this header with capitals.</summary>
    public static ReadOnlySpan<byte> ContentLength => "Content-Length"u8;

    public static ReadOnlySpan<byte> ContentLengthLower => "content-length"u8;

    public static ReadOnlySpan<byte> ContentType => "content-type"u8;

    public static ReadOnlySpan<byte> RequestId => "x-request-id"u8;

    public static ReadOnlySpan<byte> Path => ":path"u8;

    public static ReadOnlySpan<byte> OriginalPath => "x-original-path"u8;

    public static ReadOnlySpan<byte> ForwardedPath => "x-forwarded-path"u8;

    public static ReadOnlySpan<byte> PseudoStatus => ":status"u8;

    public static ReadOnlySpan<byte> Status => "status"u8;

    public static ReadOnlySpan<byte> Prefer => "prefer"u8;

    public static ReadOnlySpan<byte> DroppedReason => "x-llm-d-request-dropped-reason"u8;

    /// <summary>Debug marker that both references put on every response.</summary>
    public static ReadOnlySpan<byte> WentIntoResponseHeaders => "x-went-into-resp-headers"u8;

    /// <summary>Tells a conformance test which endpoint the proxy says has served it.</summary>
    public static ReadOnlySpan<byte> ServedEndpoint => "x-conformance-test-served-endpoint"u8;

    public static ReadOnlySpan<byte> ModelRewrite => "x-llm-d-model-name-rewrite"u8;

    public static ReadOnlySpan<byte> ModelRewriteAlias => "x-gateway-model-name-rewrite"u8;

    public static ReadOnlySpan<byte> FairnessId => "x-llm-d-inference-fairness-id"u8;

    public static ReadOnlySpan<byte> FairnessIdAlias => "x-gateway-inference-fairness-id"u8;

    public static ReadOnlySpan<byte> Objective => "x-llm-d-inference-objective"u8;

    public static ReadOnlySpan<byte> ObjectiveAlias => "x-gateway-inference-objective"u8;

    public static ReadOnlySpan<byte> FirstTokenSlo => "x-llm-d-slo-ttft-ms"u8;

    public static ReadOnlySpan<byte> FirstTokenSloAlias => "x-slo-ttft-ms"u8;

    // With these a client could point a worker at any host; only a profile handler may set them (contract §0a).
    public static ReadOnlySpan<byte> PrefillerHostPort => "x-prefiller-host-port"u8;

    public static ReadOnlySpan<byte> DataParallelHostPort => "x-data-parallel-host-port"u8;

    public static ReadOnlySpan<byte> EncoderHostsPorts => "x-encoder-hosts-ports"u8;

    public static ReadOnlySpan<byte> KvCacheSourceHostPort => "x-kv-cache-source-host-port"u8;
}
