using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Epp.Testing;

namespace Epp.E2E.Tests;

/// <summary>
/// A real Envoy with the body-based router in front of routes by model, as the charts configure it, over TLS: one listener for each
/// dialect and body mode. The model <c>llama</c> goes to the first worker, everything else to the second.
/// </summary>
public sealed class BodyRouterGateway : IAsyncLifetime
{
    private const string Listener = """
          - name: "@NAME@"
            address: {socket_address: {address: 127.0.0.1, port_value: @PORT@}}
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: http
                  route_config:
                    virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                      - match: {prefix: "/", headers: [{name: x-gateway-model-name, string_match: {exact: llama}}]}
                        route: {cluster: worker0, timeout: 0s}
                      - match: {prefix: "/"}
                        route: {cluster: worker1, timeout: 0s}
                  http_filters:
                  - name: envoy.filters.http.ext_proc.bbr
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor
                      failure_mode_allow: false
                      message_timeout: 15s
                      processing_mode:
                        request_header_mode: SEND
                        request_body_mode: @REQUEST@
                        request_trailer_mode: @TRAILERS@
                        response_header_mode: @HEADERS@
                        response_body_mode: @RESPONSE@
                        response_trailer_mode: @ENDS@
                      grpc_service: {envoy_grpc: {cluster_name: "bbr-@DIALECT@"}}
                  - name: envoy.filters.http.router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}

        """;

    private const string Cluster = """
          - name: "@NAME@"
            type: STATIC
            connect_timeout: 5s
            load_assignment:
              cluster_name: "@NAME@"
              endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: @PORT@}}}}]}]

        """;

    private const string Tls = """
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config: {http2_protocol_options: {}}
            transport_socket:
              name: envoy.transport_sockets.tls
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
                common_tls_context: {alpn_protocols: [h2]}

        """;

    private static readonly Dictionary<string, string?> NoKubernetes = new()
    {
        ["KUBECONFIG"] = null, ["KUBERNETES_SERVICE_HOST"] = null, ["NAMESPACE"] = null, ["HOME"] = "/nonexistent",
    };

    private readonly ConcurrentQueue<string> _log = new();
    private readonly Dictionary<string, int> _ports = new() { ["v1.2 streamed"] = Ports.Free(), ["v1.5 streamed"] = Ports.Free(), ["v1.2 buffered"] = Ports.Free(), ["v1.5 buffered"] = Ports.Free() };
    private readonly List<EppProcess> _routers = [];
    private Process? _envoy;

    public FakeWorker[] Workers { get; private set; } = [];

    public HttpClient Client { get; } = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(20) };

    public string LogText => string.Join('\n', _log);

    /// <summary>Address of a listener by dialect and body mode.</summary>
    public Uri Url(string listener) => new($"http://127.0.0.1:{_ports[listener]}/v1/chat/completions");

    /// <summary>This gateway; skips the test where Envoy is not available.</summary>
    public BodyRouterGateway Require()
    {
        SharedTools.Require("envoy");
        return this;
    }

    public async Task InitializeAsync()
    {
        if (SharedTools.Folder is null)
        {
            return;
        }

        Workers = [await FakeWorker.StartAsync(), await FakeWorker.StartAsync()];
        foreach (var dialect in new[] { "v1.2", "v1.5" })
        {
            _routers.Add(await EppProcess.StartAsync(new EppOptions { Subcommand = "bbr", Tls = true, Flags = ["--streaming", "--dialect=" + dialect], Environment = NoKubernetes }));
        }

        await StartEnvoyAsync();
    }

    public async Task DisposeAsync()
    {
        if (_envoy is not null)
        {
            ChildProcesses.Kill(_envoy);
            _envoy.Dispose();
        }

        foreach (var router in _routers)
        {
            await router.DisposeAsync();
        }

        foreach (var worker in Workers)
        {
            await worker.DisposeAsync();
        }

        Client.Dispose();
    }

    private string Config()
    {
        var text = new StringBuilder("static_resources:\n  listeners:\n");
        foreach (var (name, port) in _ports)
        {
            var buffered = name.EndsWith("buffered", StringComparison.Ordinal);
            // v1.2's chart lets responses pass by.
            var response = buffered ? "BUFFERED" : name.StartsWith("v1.2", StringComparison.Ordinal) ? "NONE" : "FULL_DUPLEX_STREAMED";
            text.Append(Fill(
                Listener, ("NAME", name), ("PORT", $"{port}"), ("DIALECT", name[..4]), ("REQUEST", buffered ? "BUFFERED" : "FULL_DUPLEX_STREAMED"), ("RESPONSE", response),
                ("TRAILERS", buffered ? "SKIP" : "SEND"), ("HEADERS", response == "NONE" ? "SKIP" : "SEND"), ("ENDS", response == "FULL_DUPLEX_STREAMED" ? "SEND" : "SKIP")));
        }

        text.Append("  clusters:\n");
        for (var i = 0; i < 2; i++)
        {
            text.Append(Fill(Cluster, ("NAME", $"worker{i}"), ("PORT", $"{Workers[i].Port}")));
            text.Append(Fill(Cluster + Tls, ("NAME", i == 0 ? "bbr-v1.2" : "bbr-v1.5"), ("PORT", $"{_routers[i].GrpcPort}")));
        }

        return text.ToString();
    }

    private async Task<string> StatusAsync(string listener)
    {
        try
        {
            using var answer = await Client.GetAsync(Url(listener));
            return answer.IsSuccessStatusCode ? "OK" : $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
        }
        catch (HttpRequestException e)
        {
            return e.Message;
        }
    }

    private static string Fill(string template, params (string Name, string Value)[] values) =>
        values.Aggregate(template, (text, v) => text.Replace($"@{v.Name}@", v.Value, StringComparison.Ordinal));

    private async Task StartEnvoyAsync()
    {
        var start = new ProcessStartInfo(
            SharedTools.Require("envoy"), ["--config-yaml", Config(), "--concurrency", "1", "-l", "warning", "--disable-hot-restart"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        _envoy = ChildProcesses.Start(start);
        _envoy.OutputDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        _envoy.ErrorDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        _envoy.BeginOutputReadLine();
        _envoy.BeginErrorReadLine();
        foreach (var listener in _ports.Keys)
        {
            var watch = Stopwatch.StartNew();
            for (var last = ""; last != "OK"; last = await StatusAsync(listener))
            {
                Assert.False(_envoy.HasExited, $"Envoy ended while starting:\n{LogText}");
                Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), $"{listener}: {last}\n{LogText}\n{string.Join('\n', _routers.Select(r => r.LogText))}");
                await Task.Delay(50);
            }
        }
    }
}
