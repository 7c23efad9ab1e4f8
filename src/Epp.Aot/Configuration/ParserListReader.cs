using Epp.Native;

namespace Epp.Aot.Configuration;

/// <summary>Reads <c>requestHandler.parsers</c> and the deprecated <c>parser</c>.</summary>
internal static class ParserListReader
{
    /// <summary>Parsers in order; llm-d's list where none is named, none in GAIE, which has one built-in rule.</summary>
    public static IReadOnlyList<PluginConfig> Read(MapReader top, PluginSet plugins, Dialect dialect)
    {
        var parsers = new List<PluginConfig>();
        if (top.Map("requestHandler") is { } handler)
        {
            foreach (var item in handler.Maps("parsers"))
            {
                Add(item, plugins, parsers);
            }

            handler.End();
        }

        if (top.Value("parser") is { } deprecated && top.Map("parser") is { } old)
        {
            top.Problems.Warn(deprecated, "parser", "is deprecated; use requestHandler.parsers");
            if (parsers.Count == 0)
            {
                Add(old, plugins, parsers);
            }
        }

        if (parsers.Count == 0 && dialect == Dialect.LlmD)
        {
            parsers.AddRange(PluginCatalog.DefaultParsers.Select(type => plugins.FindOrAdd(type)));
        }

        return parsers;
    }

    private static void Add(MapReader item, PluginSet plugins, List<PluginConfig> parsers)
    {
        var name = item.Text("pluginRef") ?? "";
        if (plugins.Find(name) is null && PluginCatalog.Built.GetValueOrDefault(name, PluginKind.Filter) == PluginKind.Parser)
        {
            plugins.FindOrAdd(name);
        }

        var parser = plugins.Resolve(item);
        item.End();
        if (parser is null)
        {
            return;
        }

        if (parser.Kind != PluginKind.Parser)
        {
            item.Problems.Error(item.Value("pluginRef"), item.PathOf("pluginRef"), $"plugin '{parser.Name}' has type '{parser.Type}', expected a parser");
        }
        else if (parsers.Exists(p => p.Type == PluginCatalog.PassthroughParser))
        {
            item.Problems.Warn(item.Node, item.Path, $"'{parser.Name}' comes after the fallback {PluginCatalog.PassthroughParser} and has no effect");
        }
        else if (parsers.Exists(p => p.Type == parser.Type))
        {
            item.Problems.Warn(item.Node, item.Path, $"a second parser of type '{parser.Type}' has no effect");
        }
        else
        {
            parsers.Add(parser);
        }
    }
}
