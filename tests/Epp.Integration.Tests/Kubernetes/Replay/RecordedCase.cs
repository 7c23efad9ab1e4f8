using System.Text;
using System.Text.Json;

namespace Epp.Integration.Tests.Kubernetes.Replay;

/// <summary>What a recorder saw, in its order.</summary>
/// <param name="Seq">Order over all streams.</param>
internal abstract record RecordedEvent(long Seq);

/// <summary>A message of a stream, so many milliseconds after the case began.</summary>
internal sealed record RecordedMessage(long Seq, int Stream, bool FromProxy, string Kind, byte[] Bytes, double AtMs) : RecordedEvent(Seq);

/// <summary>The proxy's side ends: by half-close, or by a reset.</summary>
internal sealed record RecordedClose(long Seq, int Stream, bool IsReset) : RecordedEvent(Seq);

/// <summary>The picker ended a stream itself, with this status.</summary>
internal sealed record RecordedEnd(long Seq, int Stream, int Code, string Message) : RecordedEvent(Seq);

/// <summary>A request to the API server; no method = a pause of so many milliseconds.</summary>
internal sealed record ApiChange(long Seq, string Method, string Path, string Body, int PauseMs) : RecordedEvent(Seq);

/// <summary>
/// One recorded exchange. The addresses of its pods are moved to loopback: the replacement has as many bytes, so that the protobuf bytes of
/// the messages stay well-formed.
/// </summary>
internal sealed class RecordedCase
{
    private const string RecordedNet = "10.44.0.";

    private RecordedCase(string file, JsonElement head, IReadOnlyList<RecordedEvent> events, bool isWhole)
    {
        Name = $"{Path.GetFileName(Path.GetDirectoryName(file))}/{Path.GetFileNameWithoutExtension(file)}";
        (Head, Events, IsWhole) = (head, events, isWhole);
        Changes = head.TryGetProperty("changes_before", out var changes) ? [.. changes.EnumerateArray().Select(c => Change(c, 0))] : [];
    }

    /// <summary>Stack and case, as <c>gaie/chat_small</c>.</summary>
    public string Name { get; }

    public JsonElement Head { get; }

    /// <summary>Messages, closes and API requests by order.</summary>
    public IReadOnlyList<RecordedEvent> Events { get; }

    /// <summary>False where the recorder left out the bytes of a message.</summary>
    public bool IsWhole { get; }

    /// <summary>API requests made before the case, in order.</summary>
    public IReadOnlyList<ApiChange> Changes { get; }

    /// <summary>Text of the configuration; empty = none was given.</summary>
    public string Config => Head.TryGetProperty("config", out var config) ? config.GetString()! : "";

    /// <summary>Objects in force when the case begins.</summary>
    public JsonElement Objects => Head.GetProperty("kubernetes");

    public IEnumerable<JsonElement> WorkerSettings => Head.TryGetProperty("worker_settings", out var settings) ? settings.EnumerateArray() : [];

    /// <summary>
    /// Streams whose request waited for its pick: under the load the case sets it was held, and nothing but the end of that load, which is
    /// not recorded, let it go on.
    /// </summary>
    public HashSet<int> Held
    {
        get
        {
            const double LongMs = 500;
            var held = new HashSet<int>();
            foreach (var stream in WorkerSettings.Any() ? Events.OfType<RecordedMessage>().GroupBy(m => m.Stream) : [])
            {
                if (stream.FirstOrDefault(m => !m.FromProxy) is { Kind: "request_headers" } answer
                    && answer.AtMs - stream.Where(m => m.FromProxy && m.Seq < answer.Seq).Select(m => m.AtMs).DefaultIfEmpty(answer.AtMs).Max() > LongMs)
                {
                    held.Add(stream.Key);
                }
            }

            return held;
        }
    }

    /// <summary>Every case of a folder.</summary>
    /// <param name="folder">Of one stack.</param>
    /// <param name="net">Eight characters that stand for <c>10.44.0.</c>.</param>
    public static List<RecordedCase> LoadAll(string folder, string net)
    {
        Assert.Equal(RecordedNet.Length, net.Length);
        return [.. Directory.GetFiles(folder, "*.jsonl").Order(StringComparer.Ordinal).Select(f => Load(f, net))];
    }

    private static RecordedCase Load(string file, string net)
    {
        JsonElement? head = null;
        var whole = true;
        var events = new List<RecordedEvent>();
        var (starts, sent) = (new List<(double Ms, long Seq)>(), new List<double>());
        foreach (var line in File.ReadLines(file))
        {
            var item = JsonSerializer.Deserialize<JsonElement>(line.Replace(RecordedNet, net, StringComparison.Ordinal));
            switch (item.GetProperty("type").GetString())
            {
                case "case":
                    head = item;
                    break;
                case "message" when item.TryGetProperty("raw_b64", out var raw):
                    events.Add(new RecordedMessage(Seq(item), Stream(item), item.GetProperty("dir").GetString() == "envoy->epp", item.GetProperty("kind").GetString()!, Moved(raw.GetString()!, net), item.GetProperty("t_ms").GetDouble()));
                    break;
                case "message":
                    whole = false;
                    break;
                case "half_close" or "reset":
                    events.Add(new RecordedClose(Seq(item), Stream(item), item.GetProperty("type").GetString() == "reset"));
                    break;
                case "stream_end" when !item.GetProperty("by").GetString()!.StartsWith("envoy", StringComparison.Ordinal):
                    var status = item.GetProperty("grpc_status");
                    events.Add(new RecordedEnd(Seq(item), Stream(item), status.GetProperty("code").GetInt32(), status.TryGetProperty("message", out var m) ? m.GetString()! : ""));
                    break;
                case "stream_start":
                    starts.Add((item.GetProperty("t_ms").GetDouble(), Seq(item)));
                    break;
                case "api_action":
                    events.Add(Change(item, Seq(item)));
                    break;
                case "client_response" when item.TryGetProperty("timeline", out var timeline):
                    sent.AddRange(timeline.EnumerateArray().Where(t => t.TryGetProperty("api_sent_ms", out _)).Select(t => t.GetProperty("api_sent_ms").GetDouble()));
                    break;
                default:
                    break;
            }
        }

        Assert.True(head is not null, $"{file} has no case line");
        return new RecordedCase(file, head.Value, [.. events.OrderBy(e => OrderOf(e, events, starts, sent))], whole);
    }

    /// <summary>An API request is recorded when it was answered; it may be in force for a stream that began since it was sent.</summary>
    private static double OrderOf(RecordedEvent item, List<RecordedEvent> events, List<(double Ms, long Seq)> starts, List<double> sent)
    {
        if (item is not ApiChange || events.OfType<ApiChange>().TakeWhile(c => c != item).Count() is var n && n >= sent.Count)
        {
            return item.Seq;
        }

        // The probes measured time from a start of their own, at most a stream's first milliseconds apart.
        var after = starts.Where(s => s.Ms >= sent[n] && s.Seq < item.Seq).ToArray();
        return after.Length > 0 ? after[0].Seq - 0.5 : item.Seq;
    }

    private static ApiChange Change(JsonElement item, long seq) => item.TryGetProperty("sleep_ms", out var pause)
        ? new ApiChange(seq, "", "", "", pause.GetInt32())
        : new ApiChange(seq, item.GetProperty("method").GetString()!, item.GetProperty("path").GetString()!, item.TryGetProperty("body", out var body) ? body.GetRawText() : "", 0);

    private static long Seq(JsonElement item) => item.GetProperty("seq").GetInt64();

    private static int Stream(JsonElement item) => item.GetProperty("stream").GetInt32();

    private static byte[] Moved(string encoded, string net)
    {
        var bytes = Convert.FromBase64String(encoded);
        var (from, to) = (Encoding.ASCII.GetBytes(RecordedNet), Encoding.ASCII.GetBytes(net));
        for (var at = bytes.AsSpan().IndexOf(from); at >= 0; at = bytes.AsSpan().IndexOf(from))
        {
            to.CopyTo(bytes, at);
        }

        return bytes;
    }
}
