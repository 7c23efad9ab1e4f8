using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Epp.Native.Requests;

namespace Epp.Aot.Models;

/// <summary>
/// Asks a vLLM server for the token ids of a request: <c>POST /v1/chat/completions/render</c> or <c>/v1/completions/render</c> with the request's
/// own body, the model replaced (plugins §5.1). Thread-safe.
/// </summary>
internal sealed class RenderClient : IDisposable
{
    private const int MaxAnswerBytes = 64 << 20;
    private const int MaxExcerptBytes = 200;

    private readonly HttpClient _http;
    private readonly string _url;
    private readonly TimeSpan _timeout;

    /// <param name="url">Base address, <c>http://localhost:8000</c>.</param>
    /// <param name="timeout">Most time of one request.</param>
    public RenderClient(string url, TimeSpan timeout)
    {
        _url = url.TrimEnd('/');
        _timeout = timeout;
        _http = new HttpClient(new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30), ConnectTimeout = timeout })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
    }

    public string Url => _url;

    /// <summary>Asks; null where <paramref name="into"/> holds the ids, else the reason.</summary>
    public async Task<RenderFailure?> AskAsync(byte[] body, bool isChat, PromptTokens into, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(_timeout);
        try
        {
            using var content = new ByteArrayContent(body);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var answer = await _http.PostAsync(new Uri(_url + (isChat ? "/v1/chat/completions/render" : "/v1/completions/render")), content, limit.Token).ConfigureAwait(false);
            var bytes = await answer.Content.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false);
            if (answer.IsSuccessStatusCode)
            {
                return Read(bytes, into) ? null : new RenderFailure("the answer has no token ids; expected token_ids or prompt_token_ids");
            }

            var status = (int)answer.StatusCode;
            return new RenderFailure($"HTTP {status}{Excerpt(bytes)}", isRefusal: status is >= 400 and < 500);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new RenderFailure($"no answer within {_timeout.TotalSeconds} s");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return new RenderFailure(e.Message);
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>
    /// Reads the ids of an answer: <c>token_ids</c> or <c>prompt_token_ids</c> of the answer itself, or of each item where it is a list or has
    /// one; releases differ.
    /// </summary>
    internal static bool Read(ReadOnlyMemory<byte> answer, PromptTokens into)
    {
        into.Clear();
        try
        {
            using var document = JsonDocument.Parse(answer);
            if (!Collect(document.RootElement, into, depth: 0) || into.PromptCount == 0)
            {
                into.Clear();
                return false;
            }

            return into.IsKnown = true;
        }
        catch (JsonException)
        {
            into.Clear();
            return false;
        }
    }

    /// <summary>The beginning of an error's body in one line: it names the mistake.</summary>
    private static string Excerpt(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
        {
            return "";
        }

        var text = new StringBuilder(": ");
        foreach (var c in Encoding.UTF8.GetString(body[..Math.Min(body.Length, MaxExcerptBytes)]))
        {
            text.Append(char.IsControl(c) ? ' ' : c);
        }

        return text.ToString();
    }

    private static bool Collect(JsonElement element, PromptTokens into, int depth)
    {
        if (depth > 3)
        {
            return true;
        }

        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray())
            {
                if (item.ValueKind is JsonValueKind.Object or JsonValueKind.Array && !Collect(item, into, depth + 1))
                {
                    return false;
                }
            }

            return true;
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            return true;
        }

        foreach (var name in (ReadOnlySpan<string>)["token_ids", "prompt_token_ids"])
        {
            if (element.TryGetProperty(name, out var ids) && ids.ValueKind == JsonValueKind.Array)
            {
                return AddIds(ids, into);
            }
        }

        foreach (var member in element.EnumerateObject())
        {
            if (member.Value.ValueKind is JsonValueKind.Array or JsonValueKind.Object && member.Name is "data" or "prompts" or "engine_prompts" or "engine_prompt" or "outputs"
                && !Collect(member.Value, into, depth + 1))
            {
                return false;
            }
        }

        return true;
    }

    private static bool AddIds(JsonElement ids, PromptTokens into)
    {
        foreach (var id in ids.EnumerateArray())
        {
            if (id.ValueKind != JsonValueKind.Number || !id.TryGetUInt32(out var token))
            {
                return false;
            }

            into.Add(token);
        }

        into.EndPrompt();
        return true;
    }
}

/// <summary>Why there are no ids.</summary>
internal sealed class RenderFailure(string reason, bool isRefusal = false)
{
    /// <summary>In words.</summary>
    public string Reason => reason;

    /// <summary>The server answers, and takes not this request.</summary>
    public bool IsRefusal => isRefusal;
}
