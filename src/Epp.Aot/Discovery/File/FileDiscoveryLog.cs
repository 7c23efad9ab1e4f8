using Microsoft.Extensions.Logging;

namespace Epp.Aot.Discovery.File;

/// <summary>Log messages of file discovery; event ids 3000 … 3099.</summary>
internal static partial class FileDiscoveryLog
{
    [LoggerMessage(EventId = 3000, Level = LogLevel.Information, Message = "Loaded {Endpoints} endpoints from {Path}")]
    public static partial void Loaded(ILogger logger, int endpoints, string path);

    [LoggerMessage(EventId = 3001, Level = LogLevel.Error, Message = "Endpoints file not applied, the last good pool stays: {Problem}")]
    public static partial void Rejected(ILogger logger, Epp.Aot.Configuration.ConfigProblem problem);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Warning, Message = "Cannot watch the directory of {Path}; it is read every {PollSeconds} s instead: {Reason}")]
    public static partial void WatchFailed(ILogger logger, string path, double pollSeconds, string reason);
}
