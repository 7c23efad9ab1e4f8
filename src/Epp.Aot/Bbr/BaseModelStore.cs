using System.Text;
using Epp.Aot.Configuration;
using Epp.Aot.Kubernetes;
using Epp.Native.Bbr;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Bbr;

/// <summary>
/// Base models and adapters as the labelled ConfigMaps say (contract §9.3): key <c>baseModel</c>, and <c>adapters</c>, a YAML list. Where
/// two maps name the same adapter the older one counts. A map that cannot be read keeps what it said before. Written by the reflector's
/// thread; <see cref="Current"/> is for any thread.
/// </summary>
internal sealed class BaseModelStore(ILogger logger) : IObjectSink<ConfigMap>
{
    /// <summary>Label of the ConfigMaps that count.</summary>
    public const string Label = "inference.networking.k8s.io/bbr-managed=true";

    /// <summary>Most adapters together: a bound on memory, far above what engines serve.</summary>
    public const int MaxAdapters = 200_000;

    private const string BaseModelKey = "baseModel";
    private const string AdaptersKey = "adapters";

    private Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private BaseModels _current = BaseModels.Empty;
    private bool _changed;

    /// <summary>The mapping in force.</summary>
    public BaseModels Current => Volatile.Read(ref _current);

    public void Replace(IReadOnlyCollection<ConfigMap> objects)
    {
        var old = _entries;
        _entries = new(StringComparer.Ordinal);
        foreach (var item in objects)
        {
            var key = Key(item);
            if (old.TryGetValue(key, out var before))
            {
                _entries[key] = before;
            }

            Upsert(item);
        }

        _changed = true;
    }

    public void Upsert(ConfigMap changed)
    {
        if (changed.Metadata!.DeletionTimestamp is not null)
        {
            Delete(changed);
            return;
        }

        if (Read(changed, out var problem) is { } entry)
        {
            _entries[Key(changed)] = entry;
            _changed = true;
        }
        else
        {
            BbrLog.ConfigMapRefused(logger, Key(changed), problem);
        }
    }

    public void Delete(ConfigMap gone) => _changed |= _entries.Remove(Key(gone));

    public void Flush()
    {
        if (!_changed)
        {
            return;
        }

        _changed = false;
        var entries = new List<Entry>(_entries.Values);
        entries.Sort(static (a, b) => a.Created != b.Created ? a.Created.CompareTo(b.Created) : string.CompareOrdinal(a.Key, b.Key));
        var next = new BaseModels([.. Limited(entries)]);
        Volatile.Write(ref _current, next);
        BbrLog.BaseModelsKnown(logger, $"{next.Count}", $"{entries.Count}");
    }

    /// <summary>The base model and adapters of one ConfigMap; null with the reason where it says none.</summary>
    public static BaseModelGroup? Read(IReadOnlyDictionary<string, string>? data, out string problem)
    {
        problem = "";
        var baseModel = data?.GetValueOrDefault(BaseModelKey)?.Trim() ?? "";
        if (baseModel.Length == 0)
        {
            problem = $"its key {BaseModelKey} is missing or empty";
            return null;
        }

        var adapters = new List<string>();
        if (data!.GetValueOrDefault(AdaptersKey) is { } text && !string.IsNullOrWhiteSpace(text) && !TryReadList(text, adapters, out problem))
        {
            return null;
        }

        return new BaseModelGroup(baseModel, adapters);
    }

    private static bool TryReadList(string text, List<string> adapters, out string problem)
    {
        problem = "";
        var problems = new Problems(AdaptersKey);
        var root = YamlTree.Read(Encoding.UTF8.GetBytes(text), problems);
        if (root is null)
        {
            problem = problems.Errors[0].ToString();
            return false;
        }

        if (root.Kind == YamlKind.Map || (root.Kind == YamlKind.Scalar && !root.IsNull))
        {
            problem = $"its key {AdaptersKey} is {root.Describe()}: expected a YAML list of names";
            return false;
        }

        foreach (var item in root.Items)
        {
            if (item.Kind != YamlKind.Scalar)
            {
                problem = $"an item of {AdaptersKey} is {item.Describe()}: expected a name";
                return false;
            }

            if (!item.IsNull && item.Text.Trim() is { Length: > 0 } name)
            {
                adapters.Add(name);
            }
        }

        return true;
    }

    private static Entry? Read(ConfigMap item, out string problem) => Read(item.Data, out problem) is { } group
        ? new Entry(Key(item), item.Metadata!.CreationTimestamp?.UtcTicks ?? long.MaxValue, group)
        : null;

    private static string Key(ConfigMap item) => $"{item.Metadata!.Namespace}/{item.Metadata.Name}";

    private List<BaseModelGroup> Limited(List<Entry> entries)
    {
        var groups = new List<BaseModelGroup>();
        var adapters = 0;
        foreach (var entry in entries)
        {
            if (adapters + entry.Group.Adapters.Count > MaxAdapters)
            {
                BbrLog.ConfigMapRefused(logger, entry.Key, $"more than {MaxAdapters} adapters together");
                continue;
            }

            adapters += entry.Group.Adapters.Count;
            groups.Add(entry.Group);
        }

        return groups;
    }

    private sealed class Entry(string key, long created, BaseModelGroup group)
    {
        public string Key => key;

        public long Created => created;

        public BaseModelGroup Group => group;
    }
}
