using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <content>What is counted, and what is reported to the proxy, about a response.</content>
internal sealed partial class ResponsePhase
{
    private bool _usageEnded;
    private bool _reported;

    private void Account(ReadOnlySpan<byte> body, long now)
    {
        if (!body.IsEmpty || _firstChunkAt == 0)
        {
            if (_firstChunkAt == 0)
            {
                _firstChunkAt = now;
                if (_streaming)
                {
                    OwnSeries().FirstToken(Seconds(ReceivedAt, now), streaming: true);
                }
            }
            else if (_streaming && !body.IsEmpty)
            {
                OwnSeries().StreamingItl(Seconds(_lastChunkAt, now));
            }

            _lastChunkAt = now;
        }

        _bytes += body.Length;
        _usage.Feed(body);
    }

    private void Complete()
    {
        if (_completed)
        {
            return;
        }

        _completed = true;
        var now = services.Time.GetTimestamp();
        EndUsage();
        var usage = _usage.Usage;
        if (_usage.IsMalformed)
        {
            services.Metrics.MalformedUsage.Add();
        }

        var series = OwnSeries();
        var seconds = Seconds(ReceivedAt, now);
        series.Completed(seconds, _bytes, usage.Prompt, usage.Completion, usage.Cached);
        if (!_streaming)
        {
            series.FirstToken(seconds, streaming: false);
        }

        if (_streaming && usage.Completion > 1 && _firstChunkAt != 0)
        {
            series.StreamingTpot(Seconds(_firstChunkAt, now) / (usage.Completion - 1));
        }
    }

    // What the proxy says of the endpoint that served, or what it does not say, in llm-d's words (contract §2.4).
    private static ReadOnlySpan<byte> Served(ReadOnlySpan<byte> metadata) =>
        MetadataReader.TryReadServedEndpoint(metadata, out var endpoint, out var hasNamespace) ? endpoint
        : hasNamespace ? "fail: missing destination endpoint served metadata"u8
        : "fail: missing envoy lb metadata"u8;

    private void EndUsage()
    {
        if (!_usageEnded)
        {
            _usageEnded = true;
            _usage.Complete();
        }
    }

    /// <summary>
    /// Writes the head of a streamed chunk; the body's last one carries what reporters say (contract §1.6), in front of the answer.
    /// </summary>
    private void WriteHead(ProtoWriter writer, int bodyBytes, bool endOfStream, bool isLast)
    {
        var behind = ExtProcEncoder.StreamedChunk(writer, ProcessingKind.ResponseBody, bodyBytes, endOfStream);
        if (isLast)
        {
            Report(writer);
        }

        writer.PrependGrpcPrefix(behind);
    }

    // Once: with the body's last message, or with the trailers where every message of the body had gone on before its end was known.
    private void Report(ProtoWriter writer)
    {
        if (_reported || services.Director.Plan.Reports is not { } reports)
        {
            return;
        }

        _reported = true;
        EndUsage();
        reports.Encode(writer, _usage.Usage);
    }
}
