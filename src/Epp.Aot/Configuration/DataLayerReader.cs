namespace Epp.Aot.Configuration;

/// <summary>Reads <c>dataLayer</c>: discovery and what is scraped, with the default source where none is named.</summary>
internal static class DataLayerReader
{
    public static DataLayerConfig Read(MapReader top, PluginSet plugins)
    {
        var layer = top.Map("dataLayer");
        var sources = new List<MetricsSourceConfig>();
        PluginConfig? discovery = null;
        var inject = true;
        if (layer is not null)
        {
            inject = layer.Bool("injectDefaults", true);
            foreach (var item in layer.Maps("sources"))
            {
                ReadSource(item, plugins, sources);
            }

            discovery = ReadDiscovery(layer, plugins);
            ReadPeers(layer, plugins);

            layer.End();
        }

        if (inject && !sources.Exists(s => s.Source.Name == PluginCatalog.MetricsDataSource) && !plugins.IsRefused(PluginCatalog.MetricsDataSource))
        {
            sources.Add(new MetricsSourceConfig(
                plugins.FindOrAdd(PluginCatalog.MetricsDataSource, new MetricsSourceParameters()),
                [plugins.FindOrAdd(PluginCatalog.CoreMetricsExtractor, new MetricsExtractorParameters())]));
        }

        return new DataLayerConfig(discovery, sources);
    }

    private static void ReadSource(MapReader item, PluginSet plugins, List<MetricsSourceConfig> sources)
    {
        var source = Resolve(item, plugins, PluginKind.DataSource, PluginCatalog.MetricsDataSource);
        var extractors = new List<PluginConfig>();
        foreach (var extractor in item.Maps("extractors"))
        {
            if (Resolve(extractor, plugins, PluginKind.Extractor, PluginCatalog.CoreMetricsExtractor) is { } plugin)
            {
                extractors.Add(plugin);
            }

            extractor.End();
        }

        item.End();
        if (source is null)
        {
            return;
        }

        if (extractors.Count == 0)
        {
            item.Problems.Warn(item.Node, item.Path, $"no extractor reads source '{source.Name}': it is not scraped");
            return;
        }

        sources.Add(new MetricsSourceConfig(source, extractors));
    }

    private static PluginConfig? ReadDiscovery(MapReader layer, PluginSet plugins)
    {
        if (layer.Value("discovery") is null || layer.Map("discovery") is not { } item)
        {
            return null;
        }

        var plugin = Resolve(item, plugins, PluginKind.Discovery, PluginCatalog.FileDiscovery);
        item.End();
        return plugin;
    }

    /// <summary>State shared between replicas: checked, not built.</summary>
    private static void ReadPeers(MapReader layer, PluginSet plugins)
    {
        if (layer.Value("peerDiscovery") is { } peers && layer.Map("peerDiscovery") is { } item)
        {
            plugins.Resolve(item);
            item.End();
            plugins.AddUnbuilt(peers, layer.PathOf("peerDiscovery"));
        }

        layer.Duration("crossReplicaSyncInterval");
        if (layer.Text("crossReplicaSyncerPluginRef") is { Length: > 0 })
        {
            plugins.Resolve(layer, "crossReplicaSyncerPluginRef");
            plugins.AddUnbuilt(layer.Value("crossReplicaSyncerPluginRef"), layer.PathOf("crossReplicaSyncerPluginRef"));
        }
    }

    private static PluginConfig? Resolve(MapReader item, PluginSet plugins, PluginKind kind, string expectedType)
    {
        var plugin = plugins.Resolve(item);
        if (plugin is null || plugin.Kind == kind)
        {
            return plugin;
        }

        item.Problems.Error(item.Value("pluginRef"), item.PathOf("pluginRef"), $"plugin '{plugin.Name}' has type '{plugin.Type}', expected {expectedType}");
        return null;
    }
}
