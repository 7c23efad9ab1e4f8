using Microsoft.Extensions.Logging;

namespace Epp.Aot.Models;

/// <summary>Messages about local models. Ids: 3400.</summary>
internal static partial class LocalModelLog
{
    [LoggerMessage(EventId = 3400, Level = LogLevel.Information, Message = "Model {Model} is loaded: {Tokens} tokens in {Milliseconds} ms, about {MiB} MiB")]
    public static partial void Loaded(ILogger logger, string model, int tokens, double milliseconds, long miB);

    [LoggerMessage(EventId = 3401, Level = LogLevel.Error, Message = "Model {Model} cannot be loaded, {Consequence}: {Reason}")]
    public static partial void Failed(ILogger logger, string model, string consequence, string reason);

    [LoggerMessage(EventId = 3402, Level = LogLevel.Warning, Message = "Model {Model}: {Warning}")]
    public static partial void Uncertain(ILogger logger, string model, string warning);

    [LoggerMessage(EventId = 3403, Level = LogLevel.Debug, Message = "A request for model {Model} has no exact token ids and is matched by its bytes: {Refusal}: {Detail}")]
    public static partial void Refused(ILogger logger, string model, string refusal, string detail);

    [LoggerMessage(EventId = 3404, Level = LogLevel.Error, Message = "Model {Model}: our token ids are not the engine's, exact matching is off for it: {Difference}")]
    public static partial void Disagrees(ILogger logger, string model, string difference);

    [LoggerMessage(EventId = 3405, Level = LogLevel.Information, Message = "Model {Model}: our token ids are the engine's on {Prompts} prompts")]
    public static partial void Agrees(ILogger logger, string model, int prompts);

    [LoggerMessage(EventId = 3406, Level = LogLevel.Warning, Message = "The render endpoint {Url} does not answer; tokens are matched without it: {Reason}")]
    public static partial void NoAnswer(ILogger logger, string url, string reason);

    [LoggerMessage(EventId = 3407, Level = LogLevel.Warning, Message = "Model {Model}: a request's token ids are not those stored for it (said once; three such requests in a row turn exact matching off): {Difference}")]
    public static partial void Differs(ILogger logger, string model, string difference);

    [LoggerMessage(EventId = 3408, Level = LogLevel.Information, Message = "Model {Model}: exact matching is tried again")]
    public static partial void TriedAgain(ILogger logger, string model);

    [LoggerMessage(EventId = 3409, Level = LogLevel.Warning, Message = "The render endpoint {Url} refuses a request, which is matched by its bytes (said once until it takes one): {Reason}")]
    public static partial void RefusesToRender(ILogger logger, string url, string reason);

    [LoggerMessage(EventId = 3410, Level = LogLevel.Information, Message = "The render endpoint {Url} answers again")]
    public static partial void AnswersAgain(ILogger logger, string url);
}
