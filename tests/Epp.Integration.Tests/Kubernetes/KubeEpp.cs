using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>Starts an EPP in Kubernetes mode and reads what it picks and says.</summary>
internal static class KubeEpp
{
    /// <summary>Picks at random among all endpoints and scrapes nothing: tests see membership, not load.</summary>
    public const string Config = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins:
        - type: random-picker
        schedulingProfiles:
        - name: default
          plugins:
          - {pluginRef: random-picker}
        dataLayer:
          injectDefaults: false

        """;

    /// <summary>The same in GAIE's dialect.</summary>
    public static string GaieConfig { get; } = Config.Replace("llm-d.ai/v1alpha1", "inference.networking.x-k8s.io/v1alpha1", StringComparison.Ordinal);

    /// <summary>An EPP for the pool <c>pool</c> of a namespace.</summary>
    public static Task<EppProcess> StartAsync(string kubeconfig, string ns, string? config = null, params string[] flags) => EppProcess.StartAsync(new EppOptions
    {
        Config = config ?? Config,
        Flags = ["--metrics-endpoint-auth=false", "--pool-namespace", ns, .. flags],
        Environment = new Dictionary<string, string?> { ["KUBECONFIG"] = kubeconfig, ["KUBERNETES_SERVICE_HOST"] = null, ["NAMESPACE"] = null },
    });

    /// <summary>Health of a service name on the health port.</summary>
    public static async Task<string> HealthAsync(this EppProcess epp, string service = "inference-extension")
    {
        using var channel = new GrpcChannel(epp.HealthPort);
        return await GrpcLayerTests.CheckAsync(channel, service);
    }

    public static Task UntilHealthAsync(this EppProcess epp, string status, string service = "inference-extension", TimeSpan? limit = null) =>
        Wait.UntilAsync(async () => await epp.HealthAsync(service) == status, limit, $"{service} is {status}; log:\n{epp.LogText}");

    /// <summary>Every endpoint that enough picks name; <c>503</c> where there is none.</summary>
    public static async Task<IReadOnlyList<string>> EndpointsAsync(this EppProcess epp, int picks = 24)
    {
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < picks; i++)
        {
            seen.Add(await epp.PickOneAsync());
        }

        return [.. seen];
    }

    /// <summary>One pick: the endpoint, or the refusal's status.</summary>
    public static async Task<string> PickOneAsync(this EppProcess epp)
    {
        var answer = await epp.PickAsync(Ask.ChatBody());
        return answer.Immediate is { } refusal ? $"{(int)refusal.Status.Code}" : answer.Endpoint;
    }

    /// <summary>Waits until exactly these endpoints are picked.</summary>
    public static async Task UntilEndpointsAsync(this EppProcess epp, params string[] expected)
    {
        var last = "";
        var wanted = string.Join(' ', expected.Order(StringComparer.Ordinal));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while ((last = string.Join(' ', await epp.EndpointsAsync())) != wanted)
        {
            Assert.True(watch.Elapsed < Wait.Limit, $"picked: {last}; expected: {wanted}\n{epp.LogText}");
        }
    }
}
