using Epp.Testing;
using Proto = Epp.Testing.Protos;

namespace Epp.Integration.Tests.Kubernetes.Replay;

/// <summary>One direction of an exchange as the proxy sent it.</summary>
internal sealed class SentPhase
{
    public IReadOnlyList<(string Name, string Value)>? Headers { get; set; }

    public MemoryStream Body { get; } = new();

    /// <summary>Body messages.</summary>
    public int Messages { get; set; }

    /// <summary>The first end of stream, or trailers.</summary>
    public bool IsEnded { get; set; }

    public bool HasTrailers { get; set; }
}

/// <summary>What the proxy sent in an exchange.</summary>
internal sealed class SentExchange
{
    public SentPhase Request { get; } = new();

    public SentPhase Response { get; } = new();

    /// <summary>Items of the subset hint on the last message of the request; null = no hint, which allows all.</summary>
    public IReadOnlyList<string>? Subset { get; private set; }

    public static SentExchange Of(IEnumerable<byte[]> messages)
    {
        var sent = new SentExchange();
        foreach (var bytes in messages)
        {
            sent.Add(Proto.ProcessingRequest.Parser.ParseFrom(bytes));
        }

        return sent;
    }

    private void Add(Proto.ProcessingRequest message)
    {
        if (!Request.IsEnded)
        {
            Subset = message.MetadataContext?.FilterMetadata.TryGetValue("envoy.lb.subset_hint", out var space) == true
                && space.Fields.TryGetValue("x-gateway-destination-endpoint-subset", out var hint) && hint.ListValue is { } list
                    ? [.. list.Values.Where(v => v.HasStringValue).Select(v => v.StringValue)]
                    : null;
        }

        switch (message.RequestCase)
        {
            case Proto.ProcessingRequest.RequestOneofCase.RequestHeaders:
                Headers(Request, message.RequestHeaders);
                break;
            case Proto.ProcessingRequest.RequestOneofCase.ResponseHeaders:
                Headers(Response, message.ResponseHeaders);
                break;
            case Proto.ProcessingRequest.RequestOneofCase.RequestBody:
                Body(Request, message.RequestBody);
                break;
            case Proto.ProcessingRequest.RequestOneofCase.ResponseBody:
                Body(Response, message.ResponseBody);
                break;
            case Proto.ProcessingRequest.RequestOneofCase.RequestTrailers:
                (Request.HasTrailers, Request.IsEnded) = (true, true);
                break;
            case Proto.ProcessingRequest.RequestOneofCase.ResponseTrailers:
                (Response.HasTrailers, Response.IsEnded) = (true, true);
                break;
            default:
                break;
        }
    }

    private static void Headers(SentPhase phase, Proto.HttpHeaders headers)
    {
        phase.Headers = [.. headers.Headers.Headers.Select(h => (h.Key.ToLowerInvariant(), h.RawValue.Length > 0 ? h.RawValue.ToStringUtf8() : h.Value))];
        phase.IsEnded |= headers.EndOfStream;
    }

    private static void Body(SentPhase phase, Proto.HttpBody body)
    {
        // What comes after the end is no part of the exchange.
        if (!phase.IsEnded)
        {
            body.Body.WriteTo(phase.Body);
            phase.Messages++;
        }

        phase.IsEnded |= body.EndOfStream;
    }
}

/// <summary>One direction of an exchange as a picker answered it.</summary>
internal sealed class AnsweredPhase
{
    public Proto.ProcessingResponse? Headers { get; set; }

    public MemoryStream Body { get; } = new();

    public int Messages { get; set; }

    public int LargestMessage { get; set; }

    public bool IsEnded { get; set; }

    public bool HasTrailers { get; set; }

    /// <summary>Anything at all came.</summary>
    public bool Any => Headers is not null || Messages > 0 || HasTrailers;
}

/// <summary>What a picker answered in an exchange, whatever messages it came in.</summary>
internal sealed class AnsweredExchange
{
    public AnsweredPhase Request { get; } = new();

    public AnsweredPhase Response { get; } = new();

    public Proto.ImmediateResponse? Immediate { get; private set; }

    /// <summary>Anything at all was answered.</summary>
    public bool HasAny => Request.Any || Response.Any || Immediate is not null;

    /// <summary>The picked endpoint by the header; null = none.</summary>
    public string? Endpoint => Request.Headers?.Header("x-gateway-destination-endpoint");

    /// <summary>The refusal in one line; empty = none.</summary>
    public string Refusal => Immediate is null
        ? ""
        : $"{Immediate.Status.Code} '{Immediate.Body.ToStringUtf8()}'"
            + string.Concat((Immediate.Headers?.SetHeaders ?? []).Select(h => $" {h.Header.Key}: {h.Header.RawValue.ToStringUtf8()}").Order(StringComparer.Ordinal));

    public static AnsweredExchange Of(IEnumerable<Proto.ProcessingResponse> messages)
    {
        var answered = new AnsweredExchange();
        foreach (var message in messages)
        {
            answered.Add(message);
        }

        return answered;
    }

    /// <summary>True where everything that the proxy sent has its answer.</summary>
    public bool Completes(SentExchange sent) => Immediate is not null || (Completes(Request, sent.Request) && Completes(Response, sent.Response));

    private static bool Completes(AnsweredPhase answered, SentPhase sent) =>
        (sent.Headers is null || !sent.IsEnded || answered.Headers is not null)
        && (!sent.HasTrailers || answered.HasTrailers)
        && (sent.HasTrailers || !sent.IsEnded || sent.Messages == 0 || answered.IsEnded);

    private void Add(Proto.ProcessingResponse message)
    {
        switch (message.ResponseCase)
        {
            case Proto.ProcessingResponse.ResponseOneofCase.ImmediateResponse:
                Immediate = message.ImmediateResponse;
                break;
            case Proto.ProcessingResponse.ResponseOneofCase.RequestHeaders:
                Request.Headers = message;
                break;
            case Proto.ProcessingResponse.ResponseOneofCase.ResponseHeaders:
                Response.Headers = message;
                break;
            case Proto.ProcessingResponse.ResponseOneofCase.RequestBody:
                Body(Request, message.RequestBody);
                break;
            case Proto.ProcessingResponse.ResponseOneofCase.ResponseBody:
                Body(Response, message.ResponseBody);
                break;
            case Proto.ProcessingResponse.ResponseOneofCase.RequestTrailers:
                Request.HasTrailers = true;
                break;
            case Proto.ProcessingResponse.ResponseOneofCase.ResponseTrailers:
                Response.HasTrailers = true;
                break;
            default:
                break;
        }
    }

    private static void Body(AnsweredPhase phase, Proto.BodyResponse body)
    {
        var streamed = body.Response?.BodyMutation?.StreamedResponse ?? new Proto.StreamedBodyResponse();
        streamed.Body.WriteTo(phase.Body);
        phase.Messages++;
        phase.LargestMessage = Math.Max(phase.LargestMessage, streamed.Body.Length);
        phase.IsEnded |= streamed.EndOfStream;
    }
}
