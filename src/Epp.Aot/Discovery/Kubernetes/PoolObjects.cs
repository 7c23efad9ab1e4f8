using Epp.Aot.Kubernetes;
using Epp.Native.Objectives;

namespace Epp.Aot.Discovery.Kubernetes;

/// <summary>Which pool objectives and rewrites must name to count (contract §3.8).</summary>
/// <param name="Name">Pool name.</param>
/// <param name="Group">Pool group.</param>
internal sealed record PoolReference(string Name, string Group)
{
    /// <summary>The CRDs' default of <c>poolRef.group</c>.</summary>
    public const string DefaultGroup = "inference.networking.k8s.io";

    public bool IsNamedBy(PoolRef? reference) =>
        reference is not null && reference.Name == Name && (string.IsNullOrEmpty(reference.Group) ? DefaultGroup : reference.Group) == Group;
}

/// <summary>Objects of one optional kind, kept as what they mean for this pool. Not thread-safe.</summary>
/// <param name="convert">The meaning; null where the object is not for this pool.</param>
/// <param name="publish">Takes the whole set after each change.</param>
internal sealed class ObjectSet<TObject, TMeaning>(Func<TObject, TMeaning?> convert, Action<IReadOnlyList<TMeaning>> publish) : IObjectSink<TObject>
    where TObject : KubeObject
    where TMeaning : class
{
    /// <summary>Objects beyond that are ignored: a bound on memory.</summary>
    private const int MaxObjects = 10_000;

    private readonly Dictionary<string, TMeaning> _objects = new(StringComparer.Ordinal);
    private bool _changed;

    public void Replace(IReadOnlyCollection<TObject> objects)
    {
        _objects.Clear();
        _changed = true;
        foreach (var item in objects)
        {
            Upsert(item);
        }
    }

    public void Upsert(TObject changed)
    {
        var name = changed.Metadata!.Name;
        if (changed.Metadata.DeletionTimestamp is null && convert(changed) is { } meaning && (_objects.Count < MaxObjects || _objects.ContainsKey(name)))
        {
            _objects[name] = meaning;
            _changed = true;
        }
        else
        {
            _changed |= _objects.Remove(name);
        }
    }

    public void Delete(TObject gone) => _changed |= _objects.Remove(gone.Metadata!.Name);

    public void Flush()
    {
        if (_changed)
        {
            _changed = false;
            publish([.. _objects.Values]);
        }
    }

    /// <summary>The kind is no longer there.</summary>
    public void Clear()
    {
        _changed |= _objects.Count > 0;
        _objects.Clear();
        Flush();
    }
}

/// <summary>Objectives and rewrites of the API as the decision core knows them.</summary>
internal static class PoolObjects
{
    public static InferenceObjective? Objective(ObjectiveObject item, PoolReference pool) =>
        pool.IsNamedBy(item.Spec?.PoolRef) ? new(item.Metadata!.Name, item.Spec!.Priority ?? 0) : null;

    public static InferenceModelRewrite? Rewrite(RewriteObject item, PoolReference pool) => pool.IsNamedBy(item.Spec?.PoolRef)
        ? new(item.Metadata!.Name, item.Metadata.CreationTimestamp ?? DateTimeOffset.MaxValue, [.. (item.Spec!.Rules ?? []).OfType<RewriteRule>().Select(Rule).OfType<ModelRewriteRule>()])
        : null;

    /// <summary>Null for a rule that can never act: without targets, or whose matches name no model.</summary>
    private static ModelRewriteRule? Rule(RewriteRule rule)
    {
        var targets = (rule.Targets ?? rule.Split ?? []).OfType<RewriteTarget>()
            .Where(t => !string.IsNullOrEmpty(t.ModelRewrite)).Select(t => new ModelRewriteTarget(t.ModelRewrite!, t.Weight)).ToArray();
        var matches = rule.Matches ?? [];
        // An empty list means any model; a match that cannot be read must not widen to that.
        var models = matches.Where(m => m?.Model is { Value.Length: > 0, Type: null or "" or "Exact" }).Select(m => m!.Model!.Value!).ToArray();
        return targets.Length == 0 || (matches.Count > 0 && models.Length == 0) ? null : new(models, targets);
    }
}
