using Epp.Native.Pool;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Scraping;

/// <summary>Messages of scraping: one per change of an endpoint's state, never one per scrape; event ids 3100 … 3199.</summary>
internal static partial class ScrapeLog
{
    [LoggerMessage(EventId = 3101, Level = LogLevel.Warning,
        Message = "Scraping {Endpoint} fails: {Reason}. It ranks behind every live endpoint until a scrape succeeds.")]
    public static partial void Failed(ILogger logger, Endpoint endpoint, string reason);

    [LoggerMessage(EventId = 3102, Level = LogLevel.Information, Message = "Scraping {Endpoint} succeeds again")]
    public static partial void Recovered(ILogger logger, Endpoint endpoint);

    [LoggerMessage(EventId = 3103, Level = LogLevel.Information,
        Message = "{Endpoint} lacks the configured KV cache metric; the other vLLM name is read instead (said once)")]
    public static partial void OtherKvName(ILogger logger, Endpoint endpoint);

    [LoggerMessage(EventId = 3104, Level = LogLevel.Error, Message = "The scrape loop met an unexpected error with {Endpoint}; it goes on")]
    public static partial void Unexpected(ILogger logger, Endpoint endpoint, Exception error);
}
