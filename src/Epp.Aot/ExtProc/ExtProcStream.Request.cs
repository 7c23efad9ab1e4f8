using System.Buffers;
using System.Text;
using Epp.Aot.Grpc;
using Epp.Native.Requests;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <summary>Headers, body and trailers of the request.</summary>
internal sealed partial class ExtProcStream
{
    private GrpcStatus? OnRequestHeaders(in ProcessingRequest message, IBufferWriter<byte> output)
    {
        if (_answered || _request is null || _request.Headers.Count > 0)
        {
            return null;
        }

        if (!ProcessingRequest.TryReadHeaders(message.HeaderMap, _request.Headers))
        {
            return Fail(output, new RequestFailure(FailureKind.HeadersTooLarge, "malformed headers, or more than 1,024 of them or 1 MiB; send fewer"));
        }

        _span = services.Tracer?.Begin(_request.Headers, _request.Trace);
        if (message.EndOfStream)
        {
            return AnswerWithoutBody(in message, output);
        }

        if (ResolveApi() is { } unclaimed)
        {
            return Fail(output, unclaimed);
        }

        switch (_requestMode)
        {
            case BodyMode.None or BodyMode.Streamed or BodyMode.Grpc:
                // The body is never shown (NONE), or only after the headers went on: load alone decides.
                _request.Api = RequestApi.Passthrough;
                return Answer(in message, output, ProcessingKind.RequestHeaders);
            case BodyMode.Buffered or BodyMode.BufferedPartial:
                Write(output, ProcessingKind.RequestHeaders);
                break;
        }

        _request.Scanner.Reset(_request.Api, services.Options.Dialect);
        return null;
    }

    private GrpcStatus? OnRequestBody(in ProcessingRequest message, IBufferWriter<byte> output)
    {
        if (_answered || _request is null)
        {
            if (_requestMode is BodyMode.Streamed)
            {
                Write(output, ProcessingKind.RequestBody);
            }

            // In full duplex a second end of stream, or bytes behind it, changes nothing (contract §0a).
            return null;
        }

        if (_request.Headers.Count == 0 && _request.Body.Length == 0)
        {
            // A stream that starts with a body: the references' default path.
            if (ResolveApi() is { } unclaimed)
            {
                return Fail(output, unclaimed);
            }

            _request.Scanner.Reset(_request.Api, services.Options.Dialect);
        }

        if (Take(message.Body) is { } failure)
        {
            return Fail(output, failure);
        }

        if (_requestMode == BodyMode.BufferedPartial && !message.EndOfStream)
        {
            // The proxy's buffer was too small for the body: what is missing cannot be validated, so load decides.
            _request.Api = RequestApi.Passthrough;
        }
        else if (_requestMode is not BodyMode.Buffered && !message.EndOfStream)
        {
            return null;
        }

        return Answer(in message, output, _requestMode is BodyMode.Buffered or BodyMode.BufferedPartial ? ProcessingKind.RequestBody : ProcessingKind.RequestHeaders);
    }

    private GrpcStatus? OnRequestTrailers(in ProcessingRequest message, IBufferWriter<byte> output)
    {
        if (_answered || _request is null)
        {
            Write(output, ProcessingKind.RequestTrailers);
            return null;
        }

        if (_requestMode is BodyMode.Buffered or BodyMode.BufferedPartial)
        {
            // The headers went on to wait for a body that never came: an answer to trailers can no longer set a destination.
            return Fail(output, new RequestFailure(FailureKind.BadRequest, "the request has trailers but no body; send a body"));
        }

        _trailersPending = true;
        return Answer(in message, output, ProcessingKind.RequestHeaders);
    }

    private RequestFailure? ResolveApi()
    {
        var path = PathOf(_request!.Headers);
        if (services.Parsers.TryResolve(path, out var api))
        {
            // The response is read by the path's API, even where the request's body is not seen.
            _request.Api = api;
            _response.Api = api;
            return null;
        }

        return new RequestFailure(FailureKind.BadRequest, $"no parser registered matching path suffix for: {Encoding.UTF8.GetString(path)}");
    }

    private RequestFailure? Take(ReadOnlySpan<byte> bytes)
    {
        var request = _request!;
        if (request.Body.Length + bytes.Length > services.Options.MaxBodyBytes)
        {
            return new RequestFailure(FailureKind.BodyTooLarge, $"request body larger than {services.Options.MaxBodyBytes} bytes; raise --max-request-body-bytes or send less");
        }

        if (!services.Budget.TryTake(bytes.Length))
        {
            return new RequestFailure(FailureKind.BodyBudgetSpent, $"request bodies in flight exceed {services.Budget.MaxBytes} bytes; retry, or raise --max-buffered-bytes");
        }

        request.BudgetBytes += bytes.Length;
        request.Body.Append(bytes);
        request.Scanner.Feed(bytes);
        return null;
    }
}
