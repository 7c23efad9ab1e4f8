using Epp.Native;
using Epp.Native.Chat;

namespace Epp.Aot.Configuration;

/// <content>Parameters of the token producer (plugins §5.1), and of its backend in this process, which is ours.</content>
internal sealed partial class PluginParametersReader
{
    private static readonly string[] Backends = ["estimate", "vllm", "local"];

    private PluginParameters Tokens(MapReader map)
    {
        var backend = Backend(map);
        var estimate = map.Map("estimate");
        if (estimate is { Node.Entries.Count: > 0 })
        {
            map.Problems.Error(estimate.Node, estimate.Path, "settings of the estimate backend are known to llm-d but not built into this version; expected an empty map");
        }

        if (map.Value("udsTokenizerConfig") is { } uds)
        {
            map.Problems.Error(uds, map.PathOf("udsTokenizerConfig"), "is deprecated in llm-d and not built into this version; use vllm, or local");
        }

        var name = map.Text("modelName") ?? "";
        var (url, timeout) = Render(map.Map("vllm"));
        var comparesTraffic = true;
        var models = backend == "local" ? Local(map.Map("local"), name, out comparesTraffic) : [];
        var isRendered = backend == "vllm" || (backend == "local" && map.Value("vllm") is not null);
        if (isRendered && name.Length == 0)
        {
            map.Problems.Error(map.Value("vllm") ?? map.Node, map.PathOf("modelName"), "is missing; expected the name by which the render endpoint knows the model");
        }

        return backend == "estimate" ? new NoParameters() : new TokenProducerParameters(models, isRendered ? url : null, name, timeout, comparesTraffic);
    }

    /// <summary>Named, or the only one that has a section; with <c>local</c> a <c>vllm</c> section is what its ids are compared with.</summary>
    private static string Backend(MapReader map)
    {
        var named = map.Text("backend") ?? "";
        if (named.Length > 0 && !Backends.Contains(named))
        {
            map.Problems.Error(map.Value("backend"), map.PathOf("backend"), $"found '{named}', expected local, vllm or estimate");
        }

        var given = Backends.Where(b => map.Value(b) is not null).ToList();
        if (named.Length == 0 && given.Count == 2 && given.Contains("estimate"))
        {
            map.Problems.Error(map.Value("estimate"), map.PathOf("estimate"), $"stands beside {given.Find(static g => g != "estimate")}; expected one backend");
        }

        return Backends.Contains(named) ? named : given.Contains("local") ? "local" : given.Contains("vllm") ? "vllm" : "estimate";
    }

    private (string Url, TimeSpan Timeout) Render(MapReader? map)
    {
        if (map is null)
        {
            return ("http://localhost:8000", TimeSpan.FromSeconds(5));
        }

        var url = map.Text("url") ?? "http://localhost:8000";
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            map.Problems.Error(map.Value("url"), map.PathOf("url"), $"found '{url}', expected http://HOST:PORT");
        }

        var timeout = map.Duration("timeout") ?? TimeSpan.FromSeconds(5);
        map.Duration("mmTimeout");
        map.End(dialect == Dialect.LlmD);
        return (url, timeout > TimeSpan.Zero ? timeout : TimeSpan.FromSeconds(5));
    }

    private List<LocalModelConfig> Local(MapReader? map, string name, out bool comparesTraffic)
    {
        var models = new List<LocalModelConfig>();
        comparesTraffic = map?.Bool("compareTraffic", true) ?? true;
        if (map is null)
        {
            return models;
        }

        if (map.Value("models") is null)
        {
            models.Add(Model(map, name));
        }
        else
        {
            foreach (var item in map.Maps("models"))
            {
                models.Add(Model(item, item.RequiredText("name", "the model's name, as requests spell it") ?? ""));
                item.End(dialect == Dialect.LlmD);
            }
        }

        map.End(dialect == Dialect.LlmD);
        return models;
    }

    private static LocalModelConfig Model(MapReader map, string name)
    {
        var path = map.RequiredText("path", "the directory of the model's tokenizer.json") ?? "";
        var engine = map.Text("engine") ?? "vllm-0.33";
        var flavour = engine switch
        {
            "vllm-0.33" => ChatFlavour.Vllm033,
            "vllm-0.11" => ChatFlavour.Vllm011,
            "dynamo-1.2" => ChatFlavour.Dynamo12,
            "dynamo-1.4" => ChatFlavour.Dynamo14,
            "dynamo-1.6" => ChatFlavour.Dynamo16,
            _ => (ChatFlavour)(-1),
        };
        if ((int)flavour < 0)
        {
            map.Problems.Error(map.Value("engine"), map.PathOf("engine"), $"found '{engine}', expected vllm-0.33, vllm-0.11, dynamo-1.2, dynamo-1.4 or dynamo-1.6");
        }

        var transformers = map.Int("transformers", flavour == ChatFlavour.Vllm033 ? 5 : 4, 4, 5);
        return new LocalModelConfig(name, path, flavour, transformers, map.Text("pattern") ?? "", Flags(map, flavour, engine), map.Quantity("prefixCacheBytes") ?? 0);
    }
}
