using Epp.Aot.Kubernetes;
using Epp.Native;
using Epp.Native.Pool;

namespace Epp.Aot.Discovery.Kubernetes;

/// <summary>The serving pods of one pool and the endpoints they make. Not thread-safe.</summary>
internal sealed class PodSet(string ns, Dialect dialect)
{
    private readonly Dictionary<string, (ServingPod Pod, Endpoint[] Endpoints)> _pods = new(StringComparer.Ordinal);
    private IReadOnlyList<int> _ports = [];

    /// <summary>True where the endpoints may differ from what <see cref="Endpoints"/> gave last.</summary>
    public bool Changed { get; private set; }

    public int Count => _pods.Count;

    /// <summary>Every endpoint of every serving pod.</summary>
    public List<Endpoint> Endpoints()
    {
        Changed = false;
        var all = new List<Endpoint>(_pods.Count * Math.Max(1, _ports.Count));
        foreach (var (_, endpoints) in _pods.Values)
        {
            all.AddRange(endpoints);
        }

        return all;
    }

    /// <summary>Other target ports: the endpoints of every pod follow.</summary>
    public void SetPorts(IReadOnlyList<int> ports)
    {
        if (ports.SequenceEqual(_ports))
        {
            return;
        }

        _ports = ports;
        foreach (var name in _pods.Keys.ToArray())
        {
            var (pod, _) = _pods[name];
            _pods[name] = (pod, PodEndpoints.Of(pod, ns, ports));
        }

        Changed = true;
    }

    /// <summary>Leaves only pods that a new selector selects.</summary>
    public void Keep(PoolSpec spec)
    {
        foreach (var name in _pods.Keys.ToArray())
        {
            if (!spec.Selects(_pods[name].Pod.Labels))
            {
                Remove(name);
            }
        }
    }

    public void Clear()
    {
        Changed |= _pods.Count > 0;
        _pods.Clear();
    }

    /// <summary>These are all the pods there are.</summary>
    public void Replace(IReadOnlyCollection<Pod> pods)
    {
        var gone = _pods.Keys.ToHashSet(StringComparer.Ordinal);
        foreach (var pod in pods)
        {
            gone.Remove(pod.Metadata!.Name);
            Set(pod);
        }

        foreach (var name in gone)
        {
            Remove(name);
        }
    }

    /// <summary>A pod is new or changed; one that cannot serve any more is removed.</summary>
    public void Set(Pod pod)
    {
        var name = pod.Metadata!.Name;
        if (PodEndpoints.Serving(pod, dialect) is not { } serving)
        {
            Remove(name);
            return;
        }

        if (_pods.TryGetValue(name, out var known) && known.Pod.SameAs(serving))
        {
            return;
        }

        _pods[name] = (serving, PodEndpoints.Of(serving, ns, _ports));
        Changed = true;
    }

    public void Remove(string name) => Changed |= _pods.Remove(name);
}
