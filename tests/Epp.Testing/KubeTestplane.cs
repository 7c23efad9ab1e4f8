using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Epp.Testing;

/// <summary>
/// A real API server with etcd in one process on loopback, started once per run by <see cref="RequireAsync"/> with every CRD of the
/// shared folder applied. Tests that need it are skipped, with the reason, where it is absent.
/// </summary>
public sealed partial class KubeTestplane : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);
    private static readonly Lazy<Task<KubeTestplane>> Shared = new(() => StartAsync(["--fault-port", "0"]));
    private static int s_namespaces;

    private readonly Process _process;
    private readonly string _folder;
    private readonly HttpClient _http;
    private readonly HttpClient _admin = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly JsonElement _ready;

    private KubeTestplane(Process process, string folder, JsonElement ready)
    {
        (_process, _folder, _ready) = (process, folder, ready);
        _http = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = static (_, _, _, _) => true })
        {
            BaseAddress = new Uri(ready.GetProperty("url").GetString()!),
            Timeout = TimeSpan.FromSeconds(60),
        };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => DeleteFolder();
    }

    /// <summary>Admin by token.</summary>
    public string Kubeconfig => _ready.GetProperty("kubeconfig").GetString()!;

    /// <summary>Admin by client certificate.</summary>
    public string CertificateKubeconfig => Kubeconfig + "-cert";

    /// <summary>Admin by token, through the fault proxy.</summary>
    public string FaultKubeconfig => _ready.GetProperty("faultKubeconfig").GetString()!;

    public string Url => _ready.GetProperty("url").GetString()!;

    /// <summary>The admin's token.</summary>
    public string Token => _ready.GetProperty("token").GetString()!;

    /// <summary>Path of the authority's certificate.</summary>
    public string Authority => _ready.GetProperty("ca").GetString()!;

    /// <summary>The server of this run.</summary>
    public static async Task<KubeTestplane> RequireAsync()
    {
        SharedTools.Require("kube-testplane");
        return await Shared.Value;
    }

    /// <summary>A server of one's own, with more arguments, by default with every CRD. It ends with the test process.</summary>
    public static async Task<KubeTestplane> StartAsync(IReadOnlyList<string> arguments, bool definitions = true)
    {
        var program = SharedTools.Require("kube-testplane");
        var folder = Directory.CreateTempSubdirectory("epp-kube-").FullName;
        var process = ChildProcesses.Start(new ProcessStartInfo(program, ["--dir", folder, "--exit-with-stdin", .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        });
        var errors = process.StandardError.ReadToEndAsync();
        var line = await process.StandardOutput.ReadLineAsync().WaitAsync(StartLimit);
        Assert.True(line is not null, line is null ? $"kube-testplane did not start: {await errors}" : "");
        var plane = new KubeTestplane(process, folder, JsonDocument.Parse(line!).RootElement);
        if (definitions)
        {
            await plane.ApplyDefinitionsAsync("");
        }

        return plane;
    }

    /// <summary>A namespace nobody else uses.</summary>
    public async Task<string> NewNamespaceAsync()
    {
        var name = $"test-{Interlocked.Increment(ref s_namespaces)}-{Environment.ProcessId}";
        await PostAsync("/api/v1/namespaces", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } });
        return name;
    }

    /// <summary>Creates an object and returns what the server stored. A kind just installed may take a moment.</summary>
    public async Task<JsonObject> PostAsync(string path, JsonObject item)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var response = await _http.PostAsync(path, Json(item.ToJsonString()));
            var text = await response.Content.ReadAsStringAsync();
            if (response.IsSuccessStatusCode)
            {
                return JsonNode.Parse(text)!.AsObject();
            }

            Assert.True(attempt < 50 && (int)response.StatusCode is 404 or 429, $"POST {path}: {(int)response.StatusCode} {text}");
            await Task.Delay(100);
        }
    }

    /// <summary>Replaces an object as read before.</summary>
    public async Task PutAsync(string path, JsonObject item)
    {
        using var response = await _http.PutAsync(path, Json(item.ToJsonString()));
        Assert.True(response.IsSuccessStatusCode, $"PUT {path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    /// <summary>Merge patch.</summary>
    public async Task<JsonObject> PatchAsync(string path, string json)
    {
        using var response = await _http.PatchAsync(path, new StringContent(json, Encoding.UTF8, "application/merge-patch+json"));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"PATCH {path}: {(int)response.StatusCode} {text}");
        return JsonNode.Parse(text)!.AsObject();
    }

    public async Task DeleteAsync(string path)
    {
        using var response = await _http.DeleteAsync(path);
        Assert.True(response.IsSuccessStatusCode, $"DELETE {path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    /// <summary>Reads an object or a list. The storage of a kind just installed may not be ready yet: 429.</summary>
    public async Task<JsonObject> GetAsync(string path)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var response = await _http.GetAsync(path);
            if (response.StatusCode != System.Net.HttpStatusCode.TooManyRequests || attempt == 50)
            {
                return JsonNode.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!.AsObject();
            }

            await Task.Delay(100);
        }
    }

    /// <summary>Fault proxy and compaction: <c>cut</c>, <c>kick</c>, <c>stall</c>, <c>delay?ms=N</c>, <c>heal</c>, <c>compact</c>.</summary>
    public async Task AdminAsync(string verb)
    {
        using var response = await _admin.PostAsync($"{_ready.GetProperty("admin").GetString()}/{verb}", null);
        Assert.True(response.IsSuccessStatusCode, $"POST /{verb}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    /// <summary>A Ready pod at an address; already there means replaced labels and status only by the caller.</summary>
    public async Task PodAsync(string ns, string name, string? ip, string labels = """{"app":"vllm"}""", string annotations = "{}", bool ready = true)
    {
        var pod = new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = JsonNode.Parse(labels), ["annotations"] = JsonNode.Parse(annotations) },
            ["spec"] = JsonNode.Parse("""{"containers":[{"name":"c","image":"none"}]}"""),
        };
        await PostAsync($"/api/v1/namespaces/{ns}/pods", pod);
        await PodStatusAsync(ns, name, ip, ready);
    }

    /// <summary>Sets readiness and address of a pod.</summary>
    public Task PodStatusAsync(string ns, string name, string? ip, bool ready)
    {
        var status = new JsonObject { ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = ready ? "True" : "False" }) };
        if (ip is not null)
        {
            status["podIP"] = ip;
            status["podIPs"] = new JsonArray(new JsonObject { ["ip"] = ip });
        }

        return PatchAsync($"/api/v1/namespaces/{ns}/pods/{name}/status", new JsonObject { ["status"] = status }.ToJsonString());
    }

    /// <summary>Removes a pod at once.</summary>
    public Task DeletePodAsync(string ns, string name) => DeleteAsync($"/api/v1/namespaces/{ns}/pods/{name}?gracePeriodSeconds=0");

    /// <summary>An InferencePool v1 named <c>pool</c>.</summary>
    public Task PoolAsync(string ns, string selector = """{"app":"vllm"}""", string ports = "8000", string name = "pool")
    {
        var numbers = new JsonArray([.. ports.Split(',').Select(p => new JsonObject { ["number"] = int.Parse(p) })]);
        return PostAsync(PoolsPath(ns), new JsonObject
        {
            ["apiVersion"] = "inference.networking.k8s.io/v1",
            ["kind"] = "InferencePool",
            ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = new JsonObject
            {
                ["selector"] = new JsonObject { ["matchLabels"] = JsonNode.Parse(selector) },
                ["targetPorts"] = numbers,
                ["endpointPickerRef"] = JsonNode.Parse("""{"name":"epp","port":{"number":9002}}"""),
            },
        });
    }

    /// <summary>Collection of the InferencePools v1 of a namespace.</summary>
    public static string PoolsPath(string ns) => $"/apis/inference.networking.k8s.io/v1/namespaces/{ns}/inferencepools";

    /// <summary>A service account with these rules in its namespace (JSON array of PolicyRules); the token, and a kubeconfig by it.</summary>
    public async Task<(string Token, string Kubeconfig)> ServiceAccountAsync(string ns, string name, string rules, string clusterRules = "[]")
    {
        await PostAsync($"/api/v1/namespaces/{ns}/serviceaccounts", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } });
        await BindAsync($"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/", "Role", name, ns, name, rules);
        if (clusterRules != "[]")
        {
            await BindAsync("/apis/rbac.authorization.k8s.io/v1/", "ClusterRole", $"{ns}-{name}", ns, name, clusterRules);
        }

        var answer = await PostAsync($"/api/v1/namespaces/{ns}/serviceaccounts/{name}/token", JsonNode.Parse("""{"spec":{"expirationSeconds":3600}}""")!.AsObject());
        var token = answer["status"]!["token"]!.GetValue<string>();
        return (token, WriteKubeconfig($"{ns}-{name}", $"token: {token}"));
    }

    /// <summary>A kubeconfig for this server with one user.</summary>
    /// <param name="name">Of the file.</param>
    /// <param name="user">YAML of the user in one line.</param>
    /// <param name="fault">Through the fault proxy.</param>
    public string WriteKubeconfig(string name, string user, bool fault = false)
    {
        var path = Path.Combine(_folder, $"kubeconfig-{name}");
        File.WriteAllText(path, $"""
            apiVersion: v1
            kind: Config
            current-context: c
            contexts:
            - name: c
              context: {"{"}cluster: k, user: u{"}"}
            clusters:
            - name: k
              cluster: {"{"}server: "{(fault ? _ready.GetProperty("faultUrl").GetString() : Url)}", certificate-authority: "{Authority}"{"}"}
            users:
            - name: u
              user: {"{"}{user}{"}"}

            """);
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _admin.Dispose();
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await _process.WaitForExitAsync(limit.Token);
        ChildProcesses.Kill(_process);
        DeleteFolder();
    }

    private async Task BindAsync(string path, string kind, string role, string ns, string account, string rules)
    {
        await PostAsync(path + kind.ToLowerInvariant() + "s", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = role },
            ["rules"] = JsonNode.Parse(rules),
        });
        await PostAsync(path + kind.ToLowerInvariant() + "bindings", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = role },
            ["roleRef"] = new JsonObject { ["apiGroup"] = "rbac.authorization.k8s.io", ["kind"] = kind, ["name"] = role },
            ["subjects"] = new JsonArray(new JsonObject { ["kind"] = "ServiceAccount", ["name"] = account, ["namespace"] = ns }),
        });
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private void DeleteFolder()
    {
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (IOException)
        {
            // Gone already, or still being written by a server that ends now.
        }
    }
}
