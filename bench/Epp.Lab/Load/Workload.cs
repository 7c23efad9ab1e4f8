using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Epp.Lab.Load;

/// <summary>Runs conversations through a gateway with bounded concurrency: one turn of a session, then the session queues up again.</summary>
internal static class Workload
{
    public static Task<LoadReport> RunAsync(Uri gateway, WorkloadOptions options, CancellationToken cancel) =>
        RunAsync(gateway, options, Sessions(options), options.Turns, cancel);

    /// <summary>All conversations of a workload, before their first turn.</summary>
    public static Conversation[] Sessions(WorkloadOptions options) =>
        [.. Enumerable.Range(0, options.Sessions).Select(i => new Conversation(options, i))];

    /// <summary>Goes on with conversations until each has had <paramref name="turns"/> turns.</summary>
    public static async Task<LoadReport> RunAsync(Uri gateway, WorkloadOptions options, Conversation[] conversations, int turns, CancellationToken cancel)
    {
        var report = new LoadReport();
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = options.Concurrency }) { Timeout = TimeSpan.FromMinutes(2) };
        var sessions = new ConcurrentQueue<Conversation>(conversations.Where(c => c.Turn < turns));
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, options.Concurrency).Select(_ => DrainAsync(client, gateway, turns, sessions, report, cancel))).ConfigureAwait(false);
        report.Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return report;
    }

    static async Task DrainAsync(HttpClient client, Uri gateway, int turns, ConcurrentQueue<Conversation> sessions, LoadReport report, CancellationToken cancel)
    {
        while (sessions.TryDequeue(out var session))
        {
            try
            {
                session.AddAnswer(await TurnAsync(client, gateway, session, report, cancel).ConfigureAwait(false));
            }
            catch (Exception e) when (e is HttpRequestException or IOException or JsonException or InvalidDataException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                report.Fail(e.Message);
                continue;
            }
            if (session.Turn < turns)
            {
                sessions.Enqueue(session);
            }
        }
    }

    /// <summary>Sends one turn and reads its SSE answer to the end; returns the generated text.</summary>
    static async Task<string> TurnAsync(HttpClient client, Uri gateway, Conversation session, LoadReport report, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway, "/v1/chat/completions"))
        {
            Content = new ByteArrayContent(session.NextBody()) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
        };
        var started = Stopwatch.GetTimestamp();
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
        {
            var reason = await response.Content.ReadAsStringAsync(cancel).ConfigureAwait(false);
            throw new HttpRequestException($"HTTP {(int)response.StatusCode}: {reason.Trim()}");
        }
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false));
        var text = new StringBuilder();
        double firstMs = 0;
        (long Prompt, long Cached)? usage = null;
        var done = false;
        while (!done && await lines.ReadLineAsync(cancel).ConfigureAwait(false) is { } line)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
            {
                continue;
            }
            if (firstMs == 0)
            {
                firstMs = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            }
            done = line == "data: [DONE]";
            if (!done)
            {
                ReadEvent(line, text, ref usage);
            }
        }
        if (!done || usage is null)
        {
            throw new InvalidDataException($"the answer ended without {(done ? "usage" : "[DONE]")} after {text.Length} characters");
        }
        var worker = response.Headers.TryGetValues("x-lab-endpoint", out var values) ? values.First() : "?";
        report.Add(worker, firstMs, usage.Value.Prompt, usage.Value.Cached);
        return text.ToString();
    }

    static void ReadEvent(string line, StringBuilder text, ref (long Prompt, long Cached)? usage)
    {
        using var data = JsonDocument.Parse(line.AsMemory(6));
        var root = data.RootElement;
        foreach (var choice in root.GetProperty("choices").EnumerateArray())
        {
            text.Append(choice.GetProperty("delta").GetProperty("content").GetString());
        }
        if (root.TryGetProperty("usage", out var u) && u.ValueKind == JsonValueKind.Object)
        {
            usage = (u.GetProperty("prompt_tokens").GetInt64(), u.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt64());
        }
    }
}
