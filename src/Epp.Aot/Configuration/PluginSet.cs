using Epp.Native;
using Epp.Native.Prefix;
using Epp.Native.Scheduling.Scorers;

namespace Epp.Aot.Configuration;

/// <summary>The plugins of one configuration while it is read: declared ones, then those added by default. Not thread-safe.</summary>
internal sealed class PluginSet
{
    private readonly List<PluginConfig> _plugins = [];
    private readonly Dictionary<string, YamlNode> _places = new(StringComparer.Ordinal);
    private readonly HashSet<string> _refused = new(StringComparer.Ordinal);
    private readonly List<(YamlNode? At, string What)> _unbuilt = [];
    private readonly Problems _problems;
    private bool _allowExperimental;

    private PluginSet(Problems problems)
    {
        _problems = problems;
    }

    public IReadOnlyList<PluginConfig> All => _plugins;

    public static PluginSet Read(MapReader top, Dialect dialect, bool allowExperimental)
    {
        var set = new PluginSet(top.Problems) { _allowExperimental = allowExperimental };
        var parameters = new PluginParametersReader(dialect);
        foreach (var item in top.Maps("plugins"))
        {
            set.ReadOne(item, parameters);
        }

        return set;
    }

    public PluginConfig? Find(string name) => _plugins.Find(p => p.Name == name);

    public YamlNode? PlaceOf(PluginConfig plugin) => _places.GetValueOrDefault(plugin.Name);

    /// <summary>The plugin a <c>pluginRef</c> names, or null after an error; quiet where the declaration itself was refused.</summary>
    public PluginConfig? Resolve(MapReader item, string key = "pluginRef")
    {
        var name = item.RequiredText(key, "the name of a plugin");
        if (name is null)
        {
            return null;
        }

        if (Find(name) is { } plugin)
        {
            return plugin;
        }

        if (!_refused.Contains(name))
        {
            _problems.Error(item.Value(key), item.PathOf(key), $"no plugin is named '{name}'{Names.Suggest(name, _plugins.Select(p => p.Name))}");
        }

        return null;
    }

    /// <summary>Notes something the peers have and this version has not.</summary>
    public void AddUnbuilt(YamlNode? at, string what) => _unbuilt.Add((at, what));

    /// <summary>One error that lists all of it, so that an operator sees the whole distance at once.</summary>
    public void ReportUnbuilt()
    {
        if (_unbuilt.Count > 0)
        {
            var list = string.Join(", ", _unbuilt.ConvertAll(u => u.At is { } at ? $"{u.What} (line {at.Line})" : u.What));
            _problems.Error(_unbuilt[0].At, "", $"known to the references but not built into this version: {list}; remove this, or stay with the reference's image");
        }
    }

    /// <summary>True where a declaration of this name was refused, with its own error.</summary>
    public bool IsRefused(string name) => _refused.Contains(name);

    /// <summary>The plugin named like its type, declared or added with default parameters.</summary>
    public PluginConfig FindOrAdd(string type, PluginParameters? parameters = null)
    {
        if (Find(type) is { } present)
        {
            if (present.Type != type)
            {
                _problems.Error(PlaceOf(present), "plugins", $"the plugin named '{type}' has type '{present.Type}', but the default plugin of that name is needed; rename it");
            }

            return present;
        }

        var plugin = new PluginConfig(type, type, PluginCatalog.Built[type], parameters ?? new NoParameters());
        _plugins.Add(plugin);
        return plugin;
    }

    /// <summary>Gives each prefix scorer its producer, and producers their token source.</summary>
    public void ResolvePrefixProducers()
    {
        for (var i = 0; i < _plugins.Count; i++)
        {
            if (_plugins[i].Parameters is PreciseScorerParameters composite)
            {
                _plugins[i] = _plugins[i] with { Parameters = new PrefixScorerParameters(PreciseProducerOf(_plugins[i], composite)) };
            }
            else if (_plugins[i].Parameters is PrefixScorerParameters scorer)
            {
                _plugins[i] = _plugins[i] with { Parameters = scorer with { Producer = ProducerOf(_plugins[i], scorer) } };
            }
        }

        if (_plugins.Any(p => p.Parameters is ApproxPrefixParameters { Config.Rules: Dialect.LlmD } or PrecisePrefixParameters)
            && !_plugins.Any(p => p.Type == PluginCatalog.TokenProducer))
        {
            FindOrAdd(PluginCatalog.TokenProducer);
        }
    }

    private string ProducerOf(PluginConfig plugin, PrefixScorerParameters scorer)
    {
        if (scorer.OwnIndex is { } own && !_plugins.Any(p => p.Parameters is ApproxPrefixParameters { Config.Rules: Dialect.LlmD }))
        {
            var name = plugin.Name == PrefixCacheScorer.PluginType ? ApproxPrefixProducer.PluginType : plugin.Name + "-producer";
            _plugins.Add(new PluginConfig(name, ApproxPrefixProducer.PluginType, PluginKind.Producer, new ApproxPrefixParameters(own)));
            return name;
        }

        if (scorer.Producer.Length == 0)
        {
            return FindOrAdd(ApproxPrefixProducer.PluginType, new ApproxPrefixParameters(new ApproxPrefixConfig(Dialect.LlmD))).Name;
        }

        if (Find(scorer.Producer) is not ({ Parameters: ApproxPrefixParameters or PrecisePrefixParameters } or { Kind: PluginKind.Producer, Parameters: NoParameters }) && !IsRefused(scorer.Producer))
        {
            var known = _plugins.Where(p => p.Parameters is ApproxPrefixParameters or PrecisePrefixParameters).Select(p => p.Name);
            _problems.Error(
                PlaceOf(plugin),
                $"plugin '{plugin.Name}': parameters.prefixMatchInfoProducerName",
                $"'{scorer.Producer}' is no prefix producer{Names.Suggest(scorer.Producer, known)}; declare a plugin of type {ApproxPrefixProducer.PluginType} with this name");
        }

        return scorer.Producer;
    }

    /// <summary>llm-d's deprecated composite: the one precise producer there is, else one of its own (plugins §3.11).</summary>
    private string PreciseProducerOf(PluginConfig plugin, PreciseScorerParameters scorer)
    {
        var producers = _plugins.FindAll(static p => p.Parameters is PrecisePrefixParameters);
        if (producers.Count > 1)
        {
            _problems.Error(
                PlaceOf(plugin), $"plugin '{plugin.Name}'", $"there are {producers.Count} plugins of type {PrecisePrefixProducer.PluginType}; use prefix-cache-scorer with prefixMatchInfoProducerName to name one");
        }

        if (producers.Count > 0)
        {
            return producers[0].Name;
        }

        var name = plugin.Name + "-producer";
        _plugins.Add(new PluginConfig(name, PrecisePrefixProducer.PluginType, PluginKind.Producer, scorer.Own ?? new PrecisePrefixParameters(new PrecisePrefixConfig(), new KvEventsConfig())));
        return name;
    }

    private void ReadOne(MapReader item, PluginParametersReader reader)
    {
        var type = item.RequiredText("type", "a plugin type");
        var name = item.Text("name");
        name = string.IsNullOrEmpty(name) ? type : name;
        var parameters = item.Map("parameters");
        item.End();
        if (type is null || name is null)
        {
            return;
        }

        if (PluginCatalog.Aliases.TryGetValue(type, out var actual))
        {
            _problems.Warn(item.Value("type"), item.PathOf("type"), $"'{type}' is deprecated; use '{actual}'");
            type = actual;
        }

        if (!_places.TryAdd(name, item.Node))
        {
            _problems.Error(item.Value("name") ?? item.Node, item.PathOf("name"), $"a plugin in line {_places[name].Line} is named '{name}' already; give this one another name");
            return;
        }

        if (UnbuiltPlugins.All.TryGetValue(type, out var unbuilt))
        {
            AddUnbuilt(item.Value("type"), $"plugin type '{type}'{(unbuilt.IsExperimental ? ", experimental" : "")}");
            reader.CheckUnbuilt(unbuilt, parameters);
            _plugins.Add(new PluginConfig(name, type, unbuilt.Kind, new NoParameters()));
        }
        else if (!PluginCatalog.Built.TryGetValue(type, out var kind))
        {
            _refused.Add(name);
            _problems.Error(
                item.Value("type"),
                item.PathOf("type"),
                $"unknown plugin type '{type}'{Names.Suggest(type, PluginCatalog.Built.Keys.Concat(PluginCatalog.Aliases.Keys).Concat(UnbuiltPlugins.All.Keys))}");
        }
        else if (parameters is not null)
        {
            if (!_allowExperimental && UnbuiltPlugins.IsExperimental(type))
            {
                _problems.Error(item.Value("type"), item.PathOf("type"), $"'{type}' is experimental in llm-d; start with --allow-experimental-plugins, or remove it");
            }

            _plugins.Add(new PluginConfig(name, type, kind, reader.Read(type, parameters)));
        }
        else
        {
            _refused.Add(name);
        }
    }
}
