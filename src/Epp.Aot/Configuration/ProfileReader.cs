using Epp.Native.Scheduling.Pickers;

namespace Epp.Aot.Configuration;

/// <summary>Reads <c>schedulingProfiles</c> and fills in what is left out: the profile, its picker, its handler.</summary>
internal static class ProfileReader
{
    private const string DefaultName = "default";

    /// <summary>The profile, or null after an error.</summary>
    public static ProfileConfig? Read(MapReader top, PluginSet plugins)
    {
        var profiles = new List<ProfileConfig>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in top.Maps("schedulingProfiles"))
        {
            var name = item.RequiredText("name", "the profile's name") ?? "";
            if (name.Length > 0 && !names.Add(name))
            {
                item.Problems.Error(item.Value("name"), item.PathOf("name"), $"a second profile is named '{name}'");
            }

            profiles.Add(ReadOne(item, name, plugins));
            item.End();
        }

        if (profiles.Count == 0)
        {
            profiles.Add(Implicit(plugins));
        }

        CheckHandler(top, plugins, profiles.Count);
        return profiles[0];
    }

    private static void CheckHandler(MapReader top, PluginSet plugins, int profiles)
    {
        var handlers = plugins.All.Where(p => p.Kind == PluginKind.ProfileHandler).ToList();
        foreach (var second in handlers.Skip(1))
        {
            top.Problems.Error(plugins.PlaceOf(second), "plugins", $"a second profile handler, '{second.Name}', beside '{handlers[0].Name}'; expected one");
        }

        if (profiles > 1 && (handlers.Count == 0 || handlers[0].Type == PluginCatalog.SingleProfileHandler))
        {
            top.Problems.Error(
                top.Value("schedulingProfiles"),
                "schedulingProfiles",
                handlers.Count == 0
                    ? $"found {profiles} profiles and no profile handler that chooses among them; expected one profile"
                    : $"found {profiles} profiles; {PluginCatalog.SingleProfileHandler} expects one");
        }

        if (handlers.Count == 0)
        {
            plugins.FindOrAdd(PluginCatalog.SingleProfileHandler);
        }
    }

    private static ProfileConfig ReadOne(MapReader profile, string name, PluginSet plugins)
    {
        var members = new List<(PluginConfig, double, MapReader?)>();
        foreach (var item in profile.Maps("plugins"))
        {
            var plugin = plugins.Resolve(item);
            var weight = item.Number("weight", 1);
            item.End();
            if (plugin is not null)
            {
                members.Add((plugin, weight, item));
            }
        }

        return Assemble(name, members, plugins);
    }

    /// <summary>Every filter, scorer and picker, in the order of declaration, scorers with weight 1.</summary>
    private static ProfileConfig Implicit(PluginSet plugins)
    {
        var pickers = plugins.All.Where(p => p.Kind == PluginKind.Picker).Take(1);
        var members = plugins.All.Where(p => p.Kind is PluginKind.Filter or PluginKind.SaturationDetector or PluginKind.Scorer).Concat(pickers);
        return Assemble(DefaultName, members.ToList().ConvertAll(p => (p, 1.0, (MapReader?)null)), plugins);
    }

    private static ProfileConfig Assemble(string name, List<(PluginConfig Plugin, double Weight, MapReader? At)> members, PluginSet plugins)
    {
        var filters = new List<PluginConfig>();
        var scorers = new List<ScorerConfig>();
        PluginConfig? picker = null;
        foreach (var (plugin, weight, at) in members)
        {
            switch (plugin.Kind)
            {
                case PluginKind.Filter or PluginKind.SaturationDetector:
                    filters.Add(plugin);
                    break;
                case PluginKind.Scorer:
                    scorers.Add(new ScorerConfig(plugin, weight));
                    break;
                case PluginKind.Picker when picker is null:
                    picker = plugin;
                    break;
                case PluginKind.Picker:
                    at?.Problems.Error(at.Node, at.Path, $"a second picker, '{plugin.Name}', beside '{picker.Name}'; a profile has one");
                    break;
                default:
                    at?.Problems.Warn(at.Node, at.Path, $"'{plugin.Name}' is no filter, scorer or picker and has no effect in a profile");
                    break;
            }
        }

        picker ??= plugins.All.FirstOrDefault(p => p.Kind == PluginKind.Picker)
            ?? plugins.FindOrAdd(MaxScorePicker.PluginType, new PickerParameters());
        return new ProfileConfig(name, filters, scorers, picker);
    }
}
