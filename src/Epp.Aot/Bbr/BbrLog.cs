using Microsoft.Extensions.Logging;

namespace Epp.Aot.Bbr;

/// <summary>Messages of the body-based router. Ids: 4000. Texts only: each further set of types costs kilobytes of code.</summary>
internal static partial class BbrLog
{
    [LoggerMessage(EventId = 4000, Level = LogLevel.Information, Message = "Body-based router {Version} starting as GAIE {Dialect}: {Ports}")]
    public static partial void Starting(ILogger logger, string version, string dialect, string ports);

    [LoggerMessage(EventId = 4001, Level = LogLevel.Warning, Message = "Running without a Kubernetes API: no base model is known and anybody may read the metrics: {Reason}")]
    public static partial void NoKubernetes(ILogger logger, string reason);

    [LoggerMessage(EventId = 4002, Level = LogLevel.Information, Message = "Base models from ConfigMaps of {Namespace} labelled {Label}")]
    public static partial void Watching(ILogger logger, string @namespace, string label);

    [LoggerMessage(EventId = 4003, Level = LogLevel.Information, Message = "{Names} names of base models and adapters known from {ConfigMaps} ConfigMaps")]
    public static partial void BaseModelsKnown(ILogger logger, string names, string configMaps);

    [LoggerMessage(EventId = 4004, Level = LogLevel.Warning, Message = "ConfigMap {Name} is not used, what it said before stays: {Problem}")]
    public static partial void ConfigMapRefused(ILogger logger, string name, string problem);

    [LoggerMessage(EventId = 4005, Level = LogLevel.Warning, Message = "The gateway sends bodies in mode {Mode}, where headers have gone on before: no model is read; use FULL_DUPLEX_STREAMED or BUFFERED")]
    public static partial void UselessBodyMode(ILogger logger, string mode);

    [LoggerMessage(EventId = 4006, Level = LogLevel.Debug, Message = "Request refused: {Reason}")]
    public static partial void RequestRefused(ILogger logger, string reason);
}
