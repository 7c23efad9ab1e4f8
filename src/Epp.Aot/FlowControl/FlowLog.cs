using Microsoft.Extensions.Logging;

namespace Epp.Aot.FlowControl;

/// <summary>Messages of flow control. Ids: 2100.</summary>
internal static partial class FlowLog
{
    [LoggerMessage(EventId = 2100, Level = LogLevel.Error, Message = "Flow control failed in one round and goes on")]
    public static partial void Failed(ILogger logger, Exception error);
}
