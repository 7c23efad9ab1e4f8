using Microsoft.Extensions.Logging;

namespace Epp.Aot.Discovery.Kubernetes;

/// <summary>Log messages of Kubernetes discovery; event ids 3100 … 3199.</summary>
internal static partial class KubernetesDiscoveryLog
{
    [LoggerMessage(EventId = 3100, Level = LogLevel.Information, Message = "Pool {Namespace}/{Pool}: pods with {Selector}, target ports {Ports}")]
    public static partial void PoolKnown(ILogger logger, string @namespace, string pool, string selector, string ports);

    [LoggerMessage(EventId = 3101, Level = LogLevel.Warning, Message = "Not ready: InferencePool {Namespace}/{Pool} of {Group} does not exist; create it, or correct --pool-name, --pool-namespace or --pool-group")]
    public static partial void PoolMissing(ILogger logger, string @namespace, string pool, string group);

    [LoggerMessage(EventId = 3102, Level = LogLevel.Warning, Message = "Not ready: InferencePool {Namespace}/{Pool} is deleted; its endpoints are removed")]
    public static partial void PoolDeleted(ILogger logger, string @namespace, string pool);

    [LoggerMessage(EventId = 3103, Level = LogLevel.Information, Message = "Pool {Namespace}/{Pool} synced: {Endpoints} endpoints of {Pods} serving pods")]
    public static partial void Synced(ILogger logger, string @namespace, string pool, int endpoints, int pods);

    [LoggerMessage(EventId = 3104, Level = LogLevel.Warning, Message = "{Dropped} endpoints beyond the limit of {Limit} are left out; split the pool")]
    public static partial void TooManyEndpoints(ILogger logger, int dropped, int limit);

    [LoggerMessage(EventId = 3105, Level = LogLevel.Warning, Message = "Kind {Plural} is served by neither of {Groups}: going on without it, asked again every 30 s; install its CRD to use it")]
    public static partial void KindAbsent(ILogger logger, string plural, string groups);

    [LoggerMessage(EventId = 3106, Level = LogLevel.Information, Message = "Watching {Resource} of {Namespace}")]
    public static partial void WatchingKind(ILogger logger, string resource, string @namespace);
}
