using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Epp.Aot.Kubernetes;

/// <summary>
/// Requests to one API server. Every failure is a value: nothing throws but a cancelled call. Thread-safe.
/// </summary>
internal sealed class KubeClient : IDisposable
{
    /// <summary>Largest answer other than a watch: a page of 500 objects is a few megabytes.</summary>
    public const int MaxAnswerBytes = 64 << 20;

    /// <summary>Longest time until the first byte of an answer.</summary>
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private const int MaxStatusBytes = 64 << 10;

    private readonly KubeAccess _access;
    private readonly BearerToken _token;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public KubeClient(KubeAccess access, TimeProvider time)
    {
        _access = access;
        _time = time;
        _token = new BearerToken(access.Token, access.TokenFile, time);
        _http = new HttpClient(KubeHttp.Handler(access)) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>GET of one JSON answer.</summary>
    public Task<KubeReply<T>> GetAsync<T>(string path, JsonTypeInfo<T> type, TimeSpan timeout, CancellationToken cancellation)
        where T : class => SendAsync(HttpMethod.Get, path, null, type, timeout, cancellation);

    /// <summary>One request and its JSON answer.</summary>
    /// <param name="method">HTTP method.</param>
    /// <param name="path">Path with query, below the server's address.</param>
    /// <param name="body">JSON; null = none.</param>
    /// <param name="type">Reader of the answer.</param>
    /// <param name="timeout">For the whole answer.</param>
    /// <param name="cancellation">Ends the call with an exception.</param>
    public async Task<KubeReply<T>> SendAsync<T>(
        HttpMethod method, string path, byte[]? body, JsonTypeInfo<T> type, TimeSpan timeout, CancellationToken cancellation)
        where T : class
    {
        using var limit = new CancellationTokenSource(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            using var request = Request(method, path, body);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                return new(null, await FailureAsync(response, either.Token).ConfigureAwait(false));
            }

            return await ReadAsync(response, type, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException or OperationCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            return new(null, Unreachable(e, timeout));
        }
    }

    /// <summary>Opens an answer that goes on, as a watch does. The caller disposes it.</summary>
    public async Task<KubeReply<HttpResponseMessage>> OpenAsync(string path, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(AnswerTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        HttpResponseMessage? response = null;
        try
        {
            using var request = Request(HttpMethod.Get, path, null);
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                return new(response, null);
            }

            var failure = await FailureAsync(response, either.Token).ConfigureAwait(false);
            response.Dispose();
            return new(null, failure);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException or OperationCanceledException)
        {
            response?.Dispose();
            cancellation.ThrowIfCancellationRequested();
            return new(null, Unreachable(e, AnswerTimeout));
        }
    }

    /// <summary>The innermost reason in words.</summary>
    public static string Reason(Exception error)
    {
        while (error.InnerException is { } inner)
        {
            error = inner;
        }

        return error.Message;
    }

    public void Dispose()
    {
        _http.Dispose();
        _access.Dispose();
    }

    private static KubeFailure Unreachable(Exception error, TimeSpan timeout) => new(
        KubeFault.Unreachable, error is OperationCanceledException ? $"no answer within {timeout.TotalSeconds:0.#} s" : Reason(error));

    private HttpRequestMessage Request(HttpMethod method, string path, byte[]? body)
    {
        var request = new HttpRequestMessage(method, new Uri(_access.Server.AbsoluteUri.TrimEnd('/') + path))
        {
            Version = _access.Server.Scheme == "https" ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.TryAddWithoutValidation("Accept", "application/json");
        request.Headers.TryAddWithoutValidation("User-Agent", "epp");
        if (_access.TlsServerName.Length > 0)
        {
            // The handler takes the name for SNI and for the certificate's check from here.
            request.Headers.Host = _access.TlsServerName;
        }

        if (_token.Current() is { } token)
        {
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        }

        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        return request;
    }

    private static async Task<KubeReply<T>> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class
    {
        using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        using var bytes = new PooledBytes(16 << 10, MaxAnswerBytes);
        int n;
        while ((n = await bytes.FillAsync(stream, cancellation).ConfigureAwait(false)) > 0)
        {
        }

        return n < 0
            ? new(null, new KubeFailure(KubeFault.Malformed, $"larger than {MaxAnswerBytes >> 20} MiB"))
            : KubeText.Read(bytes.Content.Span, type);
    }

    private async Task<KubeFailure> FailureAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var code = (int)response.StatusCode;
        if (code == 401)
        {
            _token.Distrust();
        }

        using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        using var bytes = new PooledBytes(4 << 10, MaxStatusBytes);
        while (await bytes.FillAsync(stream, cancellation).ConfigureAwait(false) > 0)
        {
        }

        var status = KubeText.Read(bytes.Content.Span, KubeJson.Default.KubeStatus).Value;
        var wait = response.Headers.RetryAfter?.Delta ?? (status?.Details?.RetryAfterSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
        return KubeText.Failure(code, status?.Message ?? response.ReasonPhrase ?? "", wait);
    }
}
