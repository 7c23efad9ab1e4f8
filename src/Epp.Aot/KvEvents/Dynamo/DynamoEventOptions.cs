namespace Epp.Aot.KvEvents.Dynamo;

/// <summary>How Dynamo's event plane is followed (kv-routing §2).</summary>
/// <param name="Namespace">Dynamo namespace of the workers.</param>
/// <param name="Component">Component of the workers; null = every one of the namespace.</param>
/// <param name="AdvertisedAddress">Address under which workers reach us with the answers to recovery queries; empty = the one that the connection to a worker has.</param>
internal sealed record DynamoEventOptions(string Namespace, string? Component = null, string AdvertisedAddress = "")
{
    /// <summary>Port on which answers to recovery queries arrive; 0 = any.</summary>
    public int AnswerPort { get; init; }

    /// <summary>Bytes of one message or answer at most.</summary>
    public int MaxMessageBytes { get; init; } = 256 << 20;

    /// <summary>Time for one recovery query.</summary>
    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Queries for one recovery, as in Dynamo.</summary>
    public int Attempts { get; init; } = 8;

    /// <summary>First pause between them; doubled each time.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Recoveries at the same time, as in Dynamo.</summary>
    public int MaxRecoveries { get; init; } = 16;

    /// <summary>Pause before ranks whose recovery failed are asked again.</summary>
    public TimeSpan RetryFailed { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait between attempts to connect to a publisher.</summary>
    public TimeSpan RetryCap { get; init; } = TimeSpan.FromSeconds(5);
}
