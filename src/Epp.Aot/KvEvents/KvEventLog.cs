using Microsoft.Extensions.Logging;

namespace Epp.Aot.KvEvents;

/// <summary>Messages of KV event sources: one per change of state; event ids 3300 … 3399.</summary>
internal static partial class KvEventLog
{
    [LoggerMessage(EventId = 3300, Level = LogLevel.Warning, Message = "KV events of {Source} are interrupted, its blocks stay as last known, retrying at most 5 s apart: {Reason}")]
    public static partial void Interrupted(ILogger logger, string source, string reason);

    [LoggerMessage(EventId = 3301, Level = LogLevel.Information, Message = "KV events of {Source} arrive")]
    public static partial void Connected(ILogger logger, string source);

    [LoggerMessage(EventId = 3302, Level = LogLevel.Warning, Message = "Missed KV events of {Source} cannot be fetched, its blocks are dropped and learned anew, next attempt in 30 s: {Reason}")]
    public static partial void ReplayFailed(ILogger logger, string source, string reason);

    [LoggerMessage(EventId = 3303, Level = LogLevel.Information, Message = "The engine {Source} restarted: its blocks are dropped")]
    public static partial void Restarted(ILogger logger, string source);

    [LoggerMessage(EventId = 3304, Level = LogLevel.Error, Message = "The KV events of {Source} met an unexpected error; they go on")]
    public static partial void Unexpected(ILogger logger, string source, Exception error);

    [LoggerMessage(EventId = 3305, Level = LogLevel.Error, Message = "Cannot listen for KV events on {Endpoint}, retrying: {Reason}")]
    public static partial void CannotListen(ILogger logger, string endpoint, string reason);

    [LoggerMessage(EventId = 3306, Level = LogLevel.Warning, Message = "KV events under the name {Name} belong to no endpoint and are ignored (said once); the topic must be kv@pod@model")]
    public static partial void UnknownPublisher(ILogger logger, string name);

    [LoggerMessage(EventId = 3310, Level = LogLevel.Warning, Message = "NATS server {Server} cannot be used, retrying at most 5 s apart: {Reason}")]
    public static partial void NatsDown(ILogger logger, string server, string reason);

    [LoggerMessage(EventId = 3311, Level = LogLevel.Information, Message = "Connected to NATS server {Server}, version {Version}")]
    public static partial void NatsUp(ILogger logger, string server, string version);

    [LoggerMessage(EventId = 3312, Level = LogLevel.Warning, Message = "NATS server says: {Error}")]
    public static partial void NatsError(ILogger logger, string error);

    [LoggerMessage(EventId = 3320, Level = LogLevel.Warning, Message = "Blocks of worker {Worker}, rank {Rank}, cannot be recovered; they are learned from its events alone: {Reason}")]
    public static partial void RecoveryFailed(ILogger logger, ulong worker, uint rank, string reason);

    [LoggerMessage(EventId = 3321, Level = LogLevel.Information, Message = "Dynamo worker {Name} has {Targets} ranks that can be asked for their blocks and {Publishers} publishers")]
    public static partial void DynamoWorker(ILogger logger, string name, int targets, int publishers);
}
