using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Epp.Lab.Gateway;
using Epp.Lab.Wire;

namespace Epp.Lab.Streams;

/// <summary>
/// `epp-lab streams`: opens many ext_proc streams, sends headers and a body without its end on each, holds them all open,
/// reads the server's memory, then ends every body, checks every answer and resets. Prints one JSON object.
/// </summary>
internal static class StreamsCommand
{
    public static readonly Option[] Options =
    [
        new("addr", "http://127.0.0.1:9002", "address of the EPP"),
        new("count", "10000", "streams open at once"),
        new("body", "2048", "body bytes held on each"),
        new("pid", "0", "server process whose memory is read, 0 = none"),
        new("hold-seconds", "2", "time all streams stay open"),
        new("opening", "200", "streams being opened or ended at a time"),
    ];

    public static async Task<int> RunAsync(Flags flags, CancellationToken stop)
    {
        var address = new Uri(flags.Text("addr"));
        var pid = flags.Int("pid");
        var body = Body(flags.Int("body"));
        using var client = GrpcStream.CreateClient();
        var idleKb = ResidentKb(pid, "VmRSS");
        var errors = new List<string>();
        var started = Stopwatch.GetTimestamp();

        var open = await ForAllAsync(flags, Enumerable.Range(0, flags.Int("count")), errors, i => OpenAsync(client, address, body, i, stop)).ConfigureAwait(false);
        var openedSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await Task.Delay(TimeSpan.FromSeconds(flags.Number("hold-seconds")), stop).ConfigureAwait(false);
        var heldKb = ResidentKb(pid, "VmRSS");
        var answered = await ForAllAsync(flags, open, errors, s => FinishAsync(s, stop)).ConfigureAwait(false);
        foreach (var stream in open)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
        }
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            streams = open.Count,
            answered = answered.Count,
            errors = errors.Count,
            first_error = errors.FirstOrDefault(),
            opened_seconds = Math.Round(openedSeconds, 2),
            server_idle_kb = idleKb,
            server_held_kb = heldKb,
            server_peak_kb = ResidentKb(pid, "VmHWM"),
        }));
        return errors.Count == 0 ? 0 : 1;
    }

    static async Task<List<TResult>> ForAllAsync<TItem, TResult>(Flags flags, IEnumerable<TItem> items, List<string> errors, Func<TItem, Task<TResult>> act)
    {
        var done = new List<TResult>();
        using var slots = new SemaphoreSlim(flags.Int("opening"));
        await Task.WhenAll(items.Select(async item =>
        {
            await slots.WaitAsync().ConfigureAwait(false);
            try
            {
                var result = await act(item).ConfigureAwait(false);
                lock (done)
                {
                    done.Add(result);
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException or WireException or OperationCanceledException or TimeoutException)
            {
                lock (done)
                {
                    errors.Add(e.Message);
                }
            }
            finally
            {
                slots.Release();
            }
        })).ConfigureAwait(false);
        return done;
    }

    static async Task<GrpcStream> OpenAsync(HttpMessageInvoker client, Uri address, ReadOnlyMemory<byte> body, int index, CancellationToken stop)
    {
        var stream = GrpcStream.Open(client, address, ExtProcMessages.Process, stop);
        await stream.WriteAsync(ExtProcMessages.ForRequestHeaders(
        [
            (":authority", "lab"), (":path", "/v1/chat/completions"), (":method", "POST"), (":scheme", "http"),
            ("content-type", "application/json"), ("x-request-id", index.ToString(CultureInfo.InvariantCulture)),
        ], endOfStream: false)).WaitAsync(TimeSpan.FromSeconds(30), stop).ConfigureAwait(false);
        await stream.WriteAsync(ExtProcMessages.ForBody(request: true, body, endOfStream: false)).ConfigureAwait(false);
        return stream;
    }

    /// <summary>Ends the body and reads until the whole body came back.</summary>
    static async Task<bool> FinishAsync(GrpcStream stream, CancellationToken stop)
    {
        await stream.WriteAsync(ExtProcMessages.ForBody(request: true, default, endOfStream: true)).ConfigureAwait(false);
        while (true)
        {
            var message = await stream.ReadAsync().WaitAsync(TimeSpan.FromSeconds(30), stop).ConfigureAwait(false)
                ?? throw new WireException($"the stream ended with gRPC status {stream.Status} {stream.StatusMessage}");
            var reply = ExtProcMessages.Decode(message);
            if (reply.Kind == ReplyKind.Immediate)
            {
                throw new WireException($"immediate response {reply.Status}: {Encoding.UTF8.GetString(reply.Body)}");
            }
            if (reply.Kind == ReplyKind.RequestBody && reply.EndOfStream)
            {
                return true;
            }
        }
    }

    static byte[] Body(int bytes)
    {
        const string Head = """{"model":"demo","messages":[{"role":"user","content":" """;
        const string Tail = "\"}]}";
        return Encoding.UTF8.GetBytes(Head + new string('x', Math.Max(0, bytes - Head.Length - Tail.Length)) + Tail);
    }

    /// <summary>A field of /proc/PID/status in KiB, 0 when there is none.</summary>
    static long ResidentKb(int pid, string field)
    {
        if (pid == 0 || !File.Exists($"/proc/{pid}/status"))
        {
            return 0;
        }
        var line = File.ReadLines($"/proc/{pid}/status").FirstOrDefault(l => l.StartsWith(field + ":", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.AsSpan(field.Length + 1).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture);
    }
}
