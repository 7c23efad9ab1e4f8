using Epp.Aot.Kubernetes;
using Epp.Aot.KvEvents;
using Epp.Aot.KvEvents.Dynamo;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Hosting;

/// <summary>
/// Follows the <c>DynamoWorkerMetadata</c> objects of a namespace: tells the intake where ranks can be asked, and connects to their ZMQ publishers.
/// One watch at a time.
/// </summary>
internal sealed class DynamoDiscovery(DynamoEventOptions options, DynamoEventIntake intake, DynamoZmqSubscriptions zmq, ILogger logger) : IObjectSink<DynamoWorkerObject>
{
    /// <summary>The kind.</summary>
    public static readonly KubeResource Resource = new("nvidia.com", "v1alpha1", "dynamoworkermetadatas");

    private readonly Dictionary<string, DynamoWorkerRecords> _known = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Replace(IReadOnlyCollection<DynamoWorkerObject> objects)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var worker in objects)
        {
            names.Add(worker.Metadata!.Name);
            Upsert(worker);
        }

        foreach (var name in _known.Keys)
        {
            if (!names.Contains(name))
            {
                Set(name, DynamoWorkerRecords.None);
            }
        }
    }

    /// <inheritdoc/>
    public void Upsert(DynamoWorkerObject changed)
    {
        // Data that cannot be read changes nothing, as in Dynamo.
        if (changed.Spec?.Data is { } data && DynamoWorkerRecords.Read(data, options) is { } records)
        {
            Set(changed.Metadata!.Name, records);
        }
    }

    /// <inheritdoc/>
    public void Delete(DynamoWorkerObject gone) => Set(gone.Metadata!.Name, DynamoWorkerRecords.None);

    /// <inheritdoc/>
    public void Flush()
    {
        // Every change is applied at once.
    }

    private void Set(string name, DynamoWorkerRecords records)
    {
        var before = _known.GetValueOrDefault(name, DynamoWorkerRecords.None);
        if (records == DynamoWorkerRecords.None)
        {
            _known.Remove(name);
        }
        else
        {
            _known[name] = records;
        }

        foreach (var rank in before.Targets.Keys)
        {
            if (!records.Targets.ContainsKey(rank))
            {
                intake.RemoveRank(rank);
            }
        }

        foreach (var publisher in before.Publishers)
        {
            if (!records.Publishers.Contains(publisher))
            {
                zmq.Remove(publisher);
            }
        }

        foreach (var publisher in records.Publishers)
        {
            zmq.Add(publisher);
        }

        foreach (var (rank, target) in records.Targets)
        {
            intake.SetQueryTarget(rank, target);
        }

        if (before.Targets.Count != records.Targets.Count || before.Publishers.Count != records.Publishers.Count)
        {
            KvEventLog.DynamoWorker(logger, name, records.Targets.Count, records.Publishers.Count);
        }
    }
}
