using Microsoft.Extensions.Logging;

namespace Epp.Aot.Telemetry;

/// <summary>Messages of the process and of the exchange. Ids: 1000 process, 2000 exchange; scraping and discovery keep their own.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1000, Level = LogLevel.Information, Message = "EPP {Version} starting: ext_proc on {GrpcPort} ({Security}), health on {HealthPort}, metrics on {MetricsPort}, instruction set {InstructionSet}")]
    public static partial void Starting(ILogger logger, string version, int grpcPort, string security, int healthPort, int metricsPort, string instructionSet);

    [LoggerMessage(EventId = 1001, Level = LogLevel.Information, Message = "Serving {Endpoints} endpoints of pool {Pool}")]
    public static partial void Serving(ILogger logger, int endpoints, string pool);

    [LoggerMessage(EventId = 1002, Level = LogLevel.Information, Message = "{Signal} received: draining for at most {DrainSeconds} s")]
    public static partial void Draining(ILogger logger, string signal, double drainSeconds);

    [LoggerMessage(EventId = 1003, Level = LogLevel.Information, Message = "Stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(EventId = 1004, Level = LogLevel.Warning, Message = "{Warning}")]
    public static partial void ConfigurationWarning(ILogger logger, string warning);

    [LoggerMessage(EventId = 2000, Level = LogLevel.Debug, Message = "Picked {Endpoint} for model {Model}, request {RequestId}; scores: {Scores}")]
    public static partial void Picked(ILogger logger, string requestId, string model, string endpoint, string scores);

    [LoggerMessage(EventId = 2001, Level = LogLevel.Debug, Message = "Rejected with {Status}: {Reason}")]
    public static partial void RequestRejected(ILogger logger, int status, string reason);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Error, Message = "A stream failed inside the EPP; the proxy applies its failure mode")]
    public static partial void StreamFailed(ILogger logger, Exception error);
}
