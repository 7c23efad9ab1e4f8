using Microsoft.Extensions.Logging;

namespace Epp.Aot.Kubernetes;

/// <summary>Log messages of the Kubernetes client; event ids 3200 … 3299.</summary>
internal static partial class KubeLog
{
    [LoggerMessage(EventId = 3200, Level = LogLevel.Warning, Message = "Watch of {Resource} in {Namespace} is broken, picks go on with what was last known, retrying at most 5 s apart: {Failure}; {Hint}")]
    public static partial void WatchBroken(ILogger logger, string resource, string @namespace, KubeFailure failure, string hint);

    [LoggerMessage(EventId = 3201, Level = LogLevel.Information, Message = "Watch of {Resource} in {Namespace} is back after {Seconds:0.0} s")]
    public static partial void WatchRestored(ILogger logger, string resource, string @namespace, double seconds);

    [LoggerMessage(EventId = 3202, Level = LogLevel.Error, Message = "Not ready: cannot watch {Resource} in {Namespace}, retrying at most 5 s apart: {Failure}; {Hint}")]
    public static partial void WatchNotStarted(ILogger logger, string resource, string @namespace, KubeFailure failure, string hint);

    [LoggerMessage(EventId = 3203, Level = LogLevel.Warning, Message = "Going on without {Resource} of {Namespace}, asked again every 30 s: {Failure}; {Hint}")]
    public static partial void OptionalKindUnavailable(ILogger logger, string resource, string @namespace, KubeFailure failure, string hint);

    [LoggerMessage(EventId = 3204, Level = LogLevel.Information, Message = "Watch of {Resource} starts over from a new list: {Reason}")]
    public static partial void Relist(ILogger logger, string resource, string reason);

    [LoggerMessage(EventId = 3205, Level = LogLevel.Information, Message = "The API server does not stream lists ({Failure}): {Resource} is listed in chunks")]
    public static partial void NoStreamedLists(ILogger logger, string resource, KubeFailure failure);

    [LoggerMessage(EventId = 3206, Level = LogLevel.Warning, Message = "Cannot watch {Resource} in {Namespace} yet, retrying: {Failure}; {Hint}")]
    public static partial void OptionalKindNotStarted(ILogger logger, string resource, string @namespace, KubeFailure failure, string hint);

    [LoggerMessage(EventId = 3210, Level = LogLevel.Information, Message = "Leader election on lease {Namespace}/{Lease} as {Identity}")]
    public static partial void ElectionStarted(ILogger logger, string @namespace, string lease, string identity);

    [LoggerMessage(EventId = 3211, Level = LogLevel.Information, Message = "This replica leads")]
    public static partial void BecameLeader(ILogger logger);

    [LoggerMessage(EventId = 3212, Level = LogLevel.Warning, Message = "This replica no longer leads and keeps trying: {Reason}")]
    public static partial void LostLeadership(ILogger logger, string reason);

    [LoggerMessage(EventId = 3213, Level = LogLevel.Information, Message = "Lease released")]
    public static partial void LeaseReleased(ILogger logger);

    [LoggerMessage(EventId = 3214, Level = LogLevel.Warning, Message = "Lease {Lease} cannot be had, retrying every 2 s: {Failure}; a leader needs get, create and update on leases.coordination.k8s.io")]
    public static partial void LeaseUnavailable(ILogger logger, string lease, KubeFailure failure);

    [LoggerMessage(EventId = 3220, Level = LogLevel.Warning, Message = "Requests to the metrics port cannot be reviewed and get 500: {Failure}; the service account needs create on tokenreviews and subjectaccessreviews, or set --metrics-endpoint-auth=false")]
    public static partial void ReviewFailed(ILogger logger, KubeFailure failure);
}
