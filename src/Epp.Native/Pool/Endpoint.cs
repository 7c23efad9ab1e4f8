using System.Collections.Frozen;
using System.Net;
using System.Text;

namespace Epp.Native.Pool;

/// <summary>
/// One address that serves a model. Identity (namespace, name, address, port, labels) is immutable; the in-flight counter is the only
/// mutable part. It is shared only with the object that stands for the same endpoint under other labels, so that a release after the
/// endpoint was replaced never touches a successor. Thread-safe.
/// </summary>
public sealed class Endpoint
{
    private InflightCounter _inflight = new();

    /// <param name="ns">Kubernetes namespace, or <c>default</c>.</param>
    /// <param name="name">Endpoint name, unique within the namespace.</param>
    /// <param name="address">IP literal without brackets.</param>
    /// <param name="port">1 … 65535.</param>
    /// <param name="labels">Labels, may be empty.</param>
    /// <param name="uid">Tells this endpoint from a predecessor of the same name and address; empty = nothing does.</param>
    public Endpoint(string ns, string name, string address, int port, IReadOnlyDictionary<string, string>? labels = null, string uid = "")
    {
        Namespace = ns;
        Name = name;
        Address = address;
        Port = port;
        Uid = uid;
        Labels = labels as FrozenDictionary<string, string> ?? labels?.ToFrozenDictionary(StringComparer.Ordinal) ?? FrozenDictionary<string, string>.Empty;
        HostPort = address.Contains(':', StringComparison.Ordinal) ? $"[{address}]:{port}" : $"{address}:{port}";
        HostPortUtf8 = Encoding.UTF8.GetBytes(HostPort);
        AddressUtf8 = Encoding.UTF8.GetBytes(address);
        IpAddress = IPAddress.TryParse(address, out var ip) ? (ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip) : null;
    }

    public string Namespace { get; }

    public string Name { get; }

    /// <summary>IP literal without brackets.</summary>
    public string Address { get; }

    public int Port { get; }

    public FrozenDictionary<string, string> Labels { get; }

    /// <summary>UID of the pod; empty where the source knows none.</summary>
    public string Uid { get; }

    /// <summary><c>ip:port</c>, IPv6 in brackets: the value of the destination header.</summary>
    public string HostPort { get; }

    /// <summary><see cref="HostPort"/> as UTF-8.</summary>
    public byte[] HostPortUtf8 { get; }

    /// <summary><see cref="Address"/> as UTF-8.</summary>
    public byte[] AddressUtf8 { get; }

    /// <summary><see cref="Address"/> parsed, mapped IPv4 unwrapped; null where it is not an IP literal.</summary>
    public IPAddress? IpAddress { get; }

    /// <summary>Slot in the pool; assigned once by <see cref="Pool"/> when the endpoint joins.</summary>
    public EndpointIndex Index { get; internal set; }

    /// <summary>Requests picked for this endpoint whose stream has not ended.</summary>
    public int InflightRequests => Volatile.Read(ref _inflight.Requests);

    /// <summary>Counts one picked request; every call is paired with one <see cref="EndRequest"/>.</summary>
    public void BeginRequest() => Interlocked.Increment(ref _inflight.Requests);

    /// <summary>Ends what <see cref="BeginRequest"/> began.</summary>
    public void EndRequest() => Interlocked.Decrement(ref _inflight.Requests);

    /// <summary>True where the other names the same endpoint at the same address, of the same pod, with the same labels.</summary>
    public bool SameAs(Endpoint other) => IsRelabelled(other) && (ReferenceEquals(Labels, other.Labels) || SameLabels(other));

    /// <summary>True where the other names the same endpoint at the same address, of the same pod, whatever its labels.</summary>
    public bool IsRelabelled(Endpoint other) =>
        Namespace == other.Namespace && Name == other.Name && Address == other.Address && Port == other.Port && Uid == other.Uid;

    /// <summary>Takes the slot and the requests in flight of the object that stood for this endpoint before. Before it is published.</summary>
    internal void Continue(Endpoint before)
    {
        Index = before.Index;
        _inflight = before._inflight;
    }

    private bool SameLabels(Endpoint other) =>
        Labels.Count == other.Labels.Count && Labels.All(l => other.Labels.TryGetValue(l.Key, out var v) && v == l.Value);

    private sealed class InflightCounter
    {
        public int Requests;
    }

    public override string ToString() => $"{Namespace}/{Name} ({HostPort})";
}
