using System.Buffers;
using System.Buffers.Text;
using Epp.Aot.ExtProc;
using Epp.Aot.Grpc;
using Epp.Native.Wire;

namespace Epp.Aot.Bbr;

/// <content>The answer to a whole body: its fields as headers.</content>
internal sealed partial class BbrStream
{
    // Full duplex answers the headers and then returns the body; a buffered body is answered with the headers and stays where it is.
    private GrpcStatus? Answer(IBufferWriter<byte> output, ProcessingKind kind)
    {
        var fields = _request!.Fields;
        if (!fields.Complete(_request.Body))
        {
            if (_isCut)
            {
                // The gateway's buffer was too small for the body: it goes on as it is, without its model.
                Continue(output, kind);
                Release();
                return null;
            }

            return Unreadable(output, fields.Error!);
        }

        if (_isOld)
        {
            AnswerModel(output, kind, fields.Text(0));
        }
        else
        {
            RunPlugins();
            EncodeHeaders(kind);
            output.Write(Writer.Written);
            services.Metrics.Success.Add();
        }

        HasOutput = true;
        if (kind == ProcessingKind.RequestBody)
        {
            Release();
            return null;
        }

        HasReply = true;
        WriteReply(output);
        return null;
    }

    private GrpcStatus Unreadable(IBufferWriter<byte> output, string error)
    {
        if (!_isOld)
        {
            return Refuse(output, new RequestFailure(FailureKind.BadRequest, "failed to parse request body: " + error));
        }

        services.Metrics.ModelNotParsed.Add();
        BbrLog.RequestRefused(services.Logger, error);
        Release();
        return new GrpcStatus(GrpcCode.Unknown, "failed to handle request: " + error);
    }

    private void AnswerModel(IBufferWriter<byte> output, ProcessingKind kind, ReadOnlySpan<byte> model)
    {
        if (model.IsEmpty)
        {
            services.Metrics.ModelNotInBody.Add();
            Continue(output, kind);
            return;
        }

        services.Metrics.Success.Add();
        var writer = Writer;
        writer.Clear();
        ExtProcEncoder.ClearRouteCache(writer);
        var mark = writer.Length;
        ExtProcEncoder.SetHeader(writer, services.Plan.Steps[0].Header, model);
        ExtProcEncoder.EndResponse(writer, kind, mark, 0);
        writer.PrependGrpcPrefix();
        output.Write(writer.Written);
    }

    // Counts and times what each plugin finds; the values stay in the scanner until the headers are written.
    private void RunPlugins()
    {
        foreach (var step in services.Plan.Steps)
        {
            var from = services.Time.GetTimestamp();
            if (step.Kind == BbrPluginKind.BodyFieldToHeader)
            {
                if (!_request!.Fields.Has(step.Field))
                {
                    step.Series.NotFound.Add();
                }
                else if (_request.Fields.Text(step.Field).IsEmpty)
                {
                    step.Series.Empty.Add();
                }
            }

            step.Seconds.Observe(services.Time.GetElapsedTime(from).TotalSeconds);
        }
    }

    // Written last to first. v1.5 asks for a new route and mutates headers even where it sets none.
    private void EncodeHeaders(ProcessingKind kind)
    {
        var writer = Writer;
        writer.Clear();
        ExtProcEncoder.ClearRouteCache(writer);
        var mark = writer.Length;
        var streamed = kind == ProcessingKind.RequestHeaders;
        if (streamed)
        {
            Span<byte> digits = stackalloc byte[11];
            Utf8Formatter.TryFormat(_request!.Body.Length, digits, out var count);
            ExtProcEncoder.SetHeader(writer, WellKnownHeaders.ContentLength, digits[..count]);
        }

        var steps = services.Plan.Steps;
        for (var i = steps.Length - 1; i >= 0; i--)
        {
            if (TryValue(steps[i], out var value) && !IsSetLater(i, streamed))
            {
                ExtProcEncoder.SetHeader(writer, steps[i].Header, value);
            }
        }

        if (writer.Length == mark)
        {
            writer.EndMessage(2, mark);
            mark = writer.Length;
        }

        ExtProcEncoder.EndResponse(writer, kind, mark, 0);
        writer.PrependGrpcPrefix();
    }

    // An unknown model has an empty base model, which is a value.
    private bool TryValue(BbrStep step, out ReadOnlySpan<byte> value)
    {
        var fields = _request!.Fields;
        value = fields.Text(step.Field);
        if (step.Kind == BbrPluginKind.BodyFieldToHeader)
        {
            return !value.IsEmpty;
        }

        value = services.Models is { } models ? models.Current.Find(value) : default;
        return fields.Has(step.Field);
    }

    // Of plugins that set the same header the last one counts, and Content-Length is the body's.
    private bool IsSetLater(int index, bool streamed)
    {
        var steps = services.Plan.Steps;
        var header = steps[index].HeaderText;
        if (streamed && header.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        for (var i = index + 1; i < steps.Length; i++)
        {
            if (steps[i].HeaderText.Equals(header, StringComparison.OrdinalIgnoreCase) && TryValue(steps[i], out _))
            {
                return true;
            }
        }

        return false;
    }
}
