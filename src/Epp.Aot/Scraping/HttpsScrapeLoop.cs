using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Epp.Native.Pool;

namespace Epp.Aot.Scraping;

/// <summary>
/// Scrapes over TLS: one asynchronous loop per endpoint on a shared client. Encrypted metrics ports are rare, so this path favours
/// plainness over cost.
/// </summary>
internal sealed class HttpsScrapeLoop : IDisposable
{
    private readonly ScrapeContext _context;
    private readonly HttpClient _client;
    private readonly Dictionary<Endpoint, (CancellationTokenSource Stop, int Port)> _loops = new(ReferenceEqualityComparer.Instance);
    private readonly Lock _gate = new();
    private bool _disposed;

    public HttpsScrapeLoop(ScrapeContext context)
    {
        _context = context;
        _client = new HttpClient(CreateHandler(context.Options.Tls ?? new ScraperTlsOptions())) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Starts loops of endpoints that joined and ends those of endpoints that left.</summary>
    public void Sync()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            var snapshot = _context.Pool.Current;
            var ports = new ScrapePorts(_context.Options, snapshot);
            var present = new Dictionary<Endpoint, int>(ReferenceEqualityComparer.Instance);
            foreach (var i in snapshot.Indexes)
            {
                present.Add(snapshot[i], ports.Of(snapshot[i]));
            }

            foreach (var endpoint in _loops.Keys.ToList())
            {
                var (running, scraped) = _loops[endpoint];
                if (!present.TryGetValue(endpoint, out var port) || port != scraped)
                {
                    _loops.Remove(endpoint);
                    running.Cancel();
                    running.Dispose();
                }
            }

            foreach (var (endpoint, port) in present)
            {
                if (!_loops.ContainsKey(endpoint))
                {
                    var stop = new CancellationTokenSource();
                    _loops[endpoint] = (stop, port);
                    _ = RunAsync(new ScrapeTarget(_context, endpoint, port), stop.Token);
                }
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (var (stop, _) in _loops.Values)
            {
                stop.Cancel();
                stop.Dispose();
            }

            _loops.Clear();
        }

        _client.Dispose();
    }

    private static SocketsHttpHandler CreateHandler(ScraperTlsOptions tls)
    {
        // Skipping verification is asked for by configuration; both references default to it, workers present self-signed certificates.
        var ssl = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, _, _, errors) => tls.InsecureSkipVerify || errors == SslPolicyErrors.None,
        };
        if (!tls.InsecureSkipVerify && tls.CaCertPath is { Length: > 0 } authorities)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(authorities);
            ssl.CertificateChainPolicy = policy;
        }

        if (tls.ClientCertPath is { Length: > 0 } certificate)
        {
            ssl.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, tls.ClientKeyPath)];
        }

        return new SocketsHttpHandler
        {
            SslOptions = ssl,
            MaxConnectionsPerServer = 2,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10),
            MaxResponseHeadersLength = ScraperOptions.MaxHeadBytes >> 10,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
        };
    }

    private async Task RunAsync(ScrapeTarget target, CancellationToken stop)
    {
        var interval = TimeSpan.FromMilliseconds(_context.Options.IntervalMs);
        var delay = interval;
        while (!stop.IsCancellationRequested)
        {
            var started = _context.NowMs;
            try
            {
                if (await ScrapeAsync(target, started, stop).ConfigureAwait(false) == ScrapeVerdict.AskOtherPath)
                {
                    await ScrapeAsync(target, started, stop).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
            {
                var reason = e is OperationCanceledException ? "no complete answer before the deadline" : e.InnerException?.Message ?? e.Message;
                target.Fail(reason, (_context.NowMs - started) / 1000.0);
            }
            catch (Exception e)
            {
                ScrapeLog.Unexpected(_context.Logger, target.Endpoint, e);
            }

            delay = target.IsFailed ? TimeSpan.FromMilliseconds(Math.Min(1000, delay.TotalMilliseconds * 2)) : interval;
            await Task.Delay(delay, _context.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<ScrapeVerdict> ScrapeAsync(ScrapeTarget target, long started, CancellationToken stop)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(TimeSpan.FromMilliseconds(_context.Options.TimeoutMs));
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://{target.Authority}{target.Path}"));
        using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token).ConfigureAwait(false);
        var body = await response.Content.ReadAsStreamAsync(deadline.Token).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            var buffer = ArrayPool<byte>.Shared.Rent(256 << 10);
            try
            {
                var length = 0;
                while (true)
                {
                    if (length == buffer.Length)
                    {
                        if (length >= ScraperOptions.MaxBodyBytes)
                        {
                            throw new IOException($"the answer exceeds {ScraperOptions.MaxBodyBytes} bytes");
                        }

                        var larger = ArrayPool<byte>.Shared.Rent(length * 2);
                        buffer.AsSpan().CopyTo(larger);
                        ArrayPool<byte>.Shared.Return(buffer);
                        buffer = larger;
                    }

                    var n = await body.ReadAsync(buffer.AsMemory(length), deadline.Token).ConfigureAwait(false);
                    if (n == 0)
                    {
                        return target.Accept((int)response.StatusCode, buffer.AsSpan(0, length), (_context.NowMs - started) / 1000.0);
                    }

                    length += n;
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
