using System.Globalization;
using System.Text.Json;
using Epp.Native.KvEvents;

namespace Epp.Aot.KvEvents.Dynamo;

/// <summary>
/// What a Dynamo worker says of itself in its discovery records (kv-routing §5, dynamo §5.2): where each rank's state can be asked for, and where
/// events are published over ZMQ. Up to 1.3 the query endpoint's name tells the rank, from 1.4 on an event source names rank and endpoint.
/// </summary>
/// <param name="Targets">Query endpoints by rank.</param>
/// <param name="Publishers">ZMQ publishers, <c>tcp://host:port</c>.</param>
internal sealed record DynamoWorkerRecords(IReadOnlyDictionary<KvRank, DynamoQueryTarget> Targets, IReadOnlyList<string> Publishers)
{
    private const int MaxRecords = 4096;
    private const string QueryEndpoint = "worker_kv_indexer_query";

    /// <summary>A worker that says nothing.</summary>
    public static DynamoWorkerRecords None { get; } = new(new Dictionary<KvRank, DynamoQueryTarget>(), []);

    /// <summary>Reads the records of one component; null where the data is no object. What is not understood is left out.</summary>
    /// <param name="data">Sections of records by key, each tagged by its <c>type</c>.</param>
    /// <param name="options">Whose records count.</param>
    public static DynamoWorkerRecords? Read(JsonElement data, DynamoEventOptions options)
    {
        if (data.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var targets = new Dictionary<KvRank, DynamoQueryTarget>();
        var publishers = new List<string>();
        var records = 0;
        foreach (var section in data.EnumerateObject())
        {
            if (section.Value.ValueKind != JsonValueKind.Object)
            {
                continue;
            }

            foreach (var record in section.Value.EnumerateObject())
            {
                if (++records > MaxRecords)
                {
                    break;
                }

                Add(record.Value, options, targets, publishers);
            }
        }

        return new DynamoWorkerRecords(targets, publishers);
    }

    private static void Add(JsonElement record, DynamoEventOptions options, Dictionary<KvRank, DynamoQueryTarget> targets, List<string> publishers)
    {
        switch (Text(record, "type"))
        {
            case "Endpoint" when IsOf(record, options) && TryRank(record, out var rank) && Target(record) is { } target:
                // An event source says the same with more certainty.
                targets.TryAdd(rank, target);
                break;
            case "EventSource" when Text(record, "topic") == "kv-events" && Member(record, "metadata") is var said
                && Member(said, "recovery_target") is var asked && IsOf(asked, options) && Target(asked) is { } target:
                var worker = Member(said, "worker");
                if (Number(worker, "worker_id") is { } id)
                {
                    targets[new KvRank(id, (uint)(Number(worker, "dp_rank") ?? 0))] = target;
                }

                break;
            case "EventChannel" when Text(record, "topic") is "kv-events" or "kv_events" or "kv_metrics" or "forward-pass-metrics" && IsOf(Scope(record), options):
                var transport = Member(record, "transport");
                if (Text(transport, "kind") == "Zmq" && Text(Member(transport, "config"), "endpoint") is { Length: > 0 } endpoint && !publishers.Contains(endpoint))
                {
                    publishers.Add(endpoint);
                }

                break;
        }
    }

    /// <summary><c>worker_kv_indexer_query[_dp{N}[_worker{id}]]</c>; the sources of 1.4 have names that tell no rank.</summary>
    private static bool TryRank(JsonElement record, out KvRank rank)
    {
        rank = default;
        var name = Text(record, "endpoint").AsSpan();
        if (!name.StartsWith(QueryEndpoint, StringComparison.Ordinal) || Number(record, "instance_id") is not { } id)
        {
            return false;
        }

        name = name[QueryEndpoint.Length..];
        var number = 0U;
        if (name.StartsWith("_dp", StringComparison.Ordinal))
        {
            name = name[3..];
            var end = name.IndexOf("_worker", StringComparison.Ordinal);
            if (end >= 0 && !ulong.TryParse(name[(end + 7)..], NumberStyles.None, CultureInfo.InvariantCulture, out id))
            {
                return false;
            }

            if (!uint.TryParse(end < 0 ? name : name[..end], NumberStyles.None, CultureInfo.InvariantCulture, out number))
            {
                return false;
            }
        }
        else if (!name.IsEmpty)
        {
            return false;
        }

        rank = new KvRank(id, number);
        return true;
    }

    private static DynamoQueryTarget? Target(JsonElement instance) =>
        DynamoQueryTarget.Parse(Text(Member(instance, "transport"), "tcp"), Text(instance, "request_plane_codec") == "msgpack");

    /// <summary>Where a channel belongs: in itself, or, from 1.4 on, in its scope.</summary>
    private static JsonElement Scope(JsonElement channel)
    {
        var scope = Member(channel, "scope");
        return scope.ValueKind != JsonValueKind.Object ? channel : Member(scope, "endpoint") is { ValueKind: JsonValueKind.Object } endpoint ? endpoint : scope;
    }

    private static bool IsOf(JsonElement place, DynamoEventOptions options) =>
        (Text(place, "namespace") is { Length: > 0 } space ? space : Text(place, "name")) == options.Namespace
        && (options.Component is null || Text(place, "component") is "" || Text(place, "component") == options.Component);

    private static JsonElement Member(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var member) ? member : default;

    private static string Text(JsonElement of, string name) => Member(of, name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";

    private static ulong? Number(JsonElement of, string name) =>
        Member(of, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetUInt64(out var value) ? value : null;
}
