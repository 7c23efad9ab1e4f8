using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes.Replay;

/// <summary>The objects of one namespace of the real API server, brought from what they are to what a recording had.</summary>
internal sealed class ReplayCluster(KubeTestplane plane, string ns, string stack)
{
    private static readonly string[] Groups = ["llm-d.ai", "inference.networking.x-k8s.io"];

    private readonly string _group = stack == "gaie" ? Groups[1] : Groups[0];
    private string _present = "";

    /// <summary>Makes the objects these; false where nothing had to change.</summary>
    public async Task<bool> BecomeAsync(JsonElement objects)
    {
        var wanted = objects.GetRawText();
        if (wanted == _present)
        {
            return false;
        }

        await PodsAsync(objects.GetProperty("pods"));
        await PoolsAsync(objects.GetProperty("inferencepools"));
        foreach (var kind in (string[])["inferenceobjectives", "inferencemodelrewrites"])
        {
            foreach (var group in Groups)
            {
                await ExtensionsAsync(group, kind, group == _group ? objects.GetProperty(kind) : default);
            }
        }

        _present = wanted;
        return true;
    }

    /// <summary>One recorded request.</summary>
    public async Task ApplyAsync(ApiChange change)
    {
        _present = "";
        var path = change.Path.Replace("/namespaces/default/", $"/namespaces/{ns}/", StringComparison.Ordinal);
        switch (change.Method)
        {
            case "":
                await Task.Delay(change.PauseMs);
                break;
            case "PATCH":
                await plane.PatchAsync(path, change.Body);
                break;
            case "POST":
                await plane.PostAsync(path, JsonNode.Parse(change.Body)!.AsObject());
                break;
            case "DELETE":
                await plane.DeleteAsync(path);
                break;
            default:
                Assert.Fail($"Recorded method {change.Method} is not known.");
                break;
        }
    }

    private async Task PodsAsync(JsonElement wanted)
    {
        var path = $"/api/v1/namespaces/{ns}/pods";
        var present = (await ItemsAsync(path)).ToDictionary(p => Name(p));
        foreach (var pod in wanted.EnumerateArray())
        {
            var name = pod.GetProperty("name").GetString()!;
            var ip = pod.TryGetProperty("podIP", out var address) ? address.GetString() : null;
            if (present.Remove(name, out var old) && (old["metadata"]!["deletionTimestamp"] is not null || old["status"]?["podIP"]?.GetValue<string>() is { } had && had != ip))
            {
                await plane.DeletePodAsync(ns, name);
                old = null;
            }

            var (labels, annotations) = (Map(pod, "labels"), Map(pod, "annotations"));
            if (old is null)
            {
                await plane.PostAsync(path, new JsonObject
                {
                    ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = labels, ["annotations"] = annotations },
                    ["spec"] = JsonNode.Parse("""{"nodeName":"node-1","containers":[{"name":"vllm","image":"vllm"}]}"""),
                });
            }
            else
            {
                await plane.PatchAsync($"{path}/{name}", new JsonObject
                {
                    ["metadata"] = new JsonObject { ["labels"] = Over(old["metadata"]!["labels"], labels), ["annotations"] = Over(old["metadata"]!["annotations"], annotations) },
                }.ToJsonString());
            }

            await plane.PatchAsync($"{path}/{name}/status", Status(pod, ip).ToJsonString());
        }

        foreach (var name in present.Keys)
        {
            await plane.DeletePodAsync(ns, name);
        }
    }

    private static JsonObject Status(JsonElement pod, string? ip)
    {
        var ready = pod.TryGetProperty("ready", out var value) ? value.GetString() : null;
        var status = new JsonObject
        {
            ["phase"] = pod.TryGetProperty("phase", out var phase) ? phase.GetString() : "Running",
            ["conditions"] = ready is null ? new JsonArray() : new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = ready }),
        };
        if (!string.IsNullOrEmpty(ip))
        {
            status["podIP"] = ip;
            status["podIPs"] = new JsonArray(new JsonObject { ["ip"] = ip });
        }

        return new JsonObject { ["status"] = status };
    }

    private async Task PoolsAsync(JsonElement wanted)
    {
        var path = KubeTestplane.PoolsPath(ns);
        var present = (await ItemsAsync(path)).ToDictionary(p => Name(p));
        foreach (var pool in wanted.EnumerateArray())
        {
            await ReplaceAsync(path, "inference.networking.k8s.io/v1", "InferencePool", pool, present);
        }

        foreach (var (name, pool) in present)
        {
            if (pool["metadata"]!["finalizers"] is not null)
            {
                await plane.PatchAsync($"{path}/{name}", """{"metadata":{"finalizers":null}}""");
            }

            if (pool["metadata"]!["deletionTimestamp"] is null)
            {
                await plane.DeleteAsync($"{path}/{name}");
            }
        }
    }

    private async Task ExtensionsAsync(string group, string kind, JsonElement wanted)
    {
        var path = $"/apis/{group}/v1alpha2/namespaces/{ns}/{kind}";
        var present = (await ItemsAsync(path)).ToDictionary(p => Name(p));
        var last = "";
        var items = wanted.ValueKind == JsonValueKind.Array ? [.. wanted.EnumerateArray()] : Array.Empty<JsonElement>();
        foreach (var item in items.OrderBy(i => i.GetProperty("creationTimestamp").GetString(), StringComparer.Ordinal))
        {
            // The age of an object decides between two rewrites, and the API server counts it in seconds.
            var made = item.GetProperty("creationTimestamp").GetString()!;
            if (kind == "inferencemodelrewrites" && last.Length > 0 && last != made)
            {
                await Task.Delay(1100);
            }

            last = made;
            await ReplaceAsync(path, $"{group}/v1alpha2", kind == "inferenceobjectives" ? "InferenceObjective" : "InferenceModelRewrite", item, present);
        }

        foreach (var name in present.Keys)
        {
            await plane.DeleteAsync($"{path}/{name}");
        }
    }

    /// <summary>Creates the object, or puts its spec in the place of another one; takes it from what is present.</summary>
    private async Task ReplaceAsync(string path, string version, string kind, JsonElement item, Dictionary<string, JsonObject> present)
    {
        var name = item.GetProperty("name").GetString()!;
        var spec = JsonNode.Parse(item.GetProperty("spec").GetRawText());
        if (!present.Remove(name, out var old))
        {
            await plane.PostAsync(path, new JsonObject { ["apiVersion"] = version, ["kind"] = kind, ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = spec });
        }
        else if (!JsonNode.DeepEquals(old["spec"], spec))
        {
            old["spec"] = spec;
            (old["apiVersion"], old["kind"]) = (version, kind);
            await plane.PutAsync($"{path}/{name}", old);
        }
    }

    private async Task<IReadOnlyList<JsonObject>> ItemsAsync(string path) => [.. (await plane.GetAsync(path))["items"]!.AsArray().Select(i => i!.AsObject())];

    private static string Name(JsonObject item) => item["metadata"]!["name"]!.GetValue<string>();

    private static JsonObject Map(JsonElement pod, string name) =>
        pod.TryGetProperty(name, out var map) && map.ValueKind == JsonValueKind.Object ? JsonNode.Parse(map.GetRawText())!.AsObject() : [];

    /// <summary>A merge patch that leaves exactly the wanted entries.</summary>
    private static JsonObject Over(JsonNode? old, JsonObject wanted)
    {
        foreach (var (name, _) in old?.AsObject() ?? [])
        {
            if (!wanted.ContainsKey(name))
            {
                wanted[name] = null;
            }
        }

        return wanted;
    }

    /// <summary>
    /// Addresses that a picker of this dialect may name, by the rules of the contract alone: Ready pods with an address and the pool's
    /// labels, one for each target port that is active.
    /// </summary>
    public static HashSet<string> Eligible(JsonElement objects, string stack)
    {
        var eligible = new HashSet<string>(StringComparer.Ordinal);
        var pool = objects.GetProperty("inferencepools").EnumerateArray().Where(p => p.GetProperty("name").GetString() == "pool").ToArray();
        if (pool.Length == 0)
        {
            return eligible;
        }

        var spec = pool[0].GetProperty("spec");
        var labels = spec.GetProperty("selector").GetProperty("matchLabels").EnumerateObject().ToArray();
        var ports = spec.GetProperty("targetPorts").EnumerateArray().Select(p => p.GetProperty("number").GetInt32()).ToArray();
        foreach (var pod in objects.GetProperty("pods").EnumerateArray())
        {
            var (own, notes) = (Map(pod, "labels"), Map(pod, "annotations"));
            var ip = pod.TryGetProperty("podIP", out var address) ? address.GetString() : null;
            if (string.IsNullOrEmpty(ip) || !pod.TryGetProperty("ready", out var ready) || ready.GetString() != "True"
                || !Array.TrueForAll(labels, l => own[l.Name]?.GetValue<string>() == l.Value.GetString()))
            {
                continue;
            }

            var listed = stack == "gaie" ? null : (notes["llm-d.ai/active-ports"] ?? notes["inference.networking.k8s.io/active-ports"])?.GetValue<string>().Split(',');
            foreach (var port in ports)
            {
                if (listed is null || listed.Any(l => l.Trim() == port.ToString(CultureInfo.InvariantCulture)))
                {
                    eligible.Add(ip.Contains(':', StringComparison.Ordinal) ? $"[{ip}]:{port}" : $"{ip}:{port}");
                }
            }
        }

        return eligible;
    }
}
