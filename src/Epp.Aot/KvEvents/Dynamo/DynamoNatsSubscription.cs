using Epp.Aot.KvEvents.Nats;
using Epp.Native.Wire.Nats;

namespace Epp.Aot.KvEvents.Dynamo;

/// <summary>
/// Follows Dynamo's event plane on NATS: the subjects of every release at once (kv-routing §0, §2.3), as a worker publishes on its own only.
/// </summary>
internal sealed class DynamoNatsSubscription : INatsSink
{
    private readonly DynamoEventIntake _intake;
    private bool _wasConnected;

    public DynamoNatsSubscription(NatsConnection nats, DynamoEventIntake intake, DynamoEventOptions options)
    {
        _intake = intake;
        foreach (var subject in Subjects(options))
        {
            nats.Subscribe(subject, this);
        }
    }

    /// <summary>Up to 1.3 events stand below the component and load below the namespace, from 1.4 on both below the endpoint.</summary>
    public static string[] Subjects(DynamoEventOptions options)
    {
        var space = "namespace." + options.Namespace;
        var component = $"{space}.component.{options.Component ?? "*"}";
        return
        [
            $"{component}.kv-events", $"{component}.endpoint.*.kv-events", $"{component}.kv_events",
            $"{space}.kv_metrics", $"{component}.kv_metrics", $"{component}.endpoint.*.kv_metrics",
            $"{component}.forward-pass-metrics", $"{component}.endpoint.*.forward-pass-metrics",
        ];
    }

    public void OnMessage(in NatsFrame message) => _intake.OnMessage(message.Payload);

    /// <summary>Asks for what an interruption cost.</summary>
    public void OnConnected()
    {
        if (_wasConnected)
        {
            _intake.Resume();
        }

        _wasConnected = true;
    }
}
