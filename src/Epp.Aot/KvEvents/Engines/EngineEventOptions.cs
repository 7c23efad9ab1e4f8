namespace Epp.Aot.KvEvents.Engines;

/// <summary>How engines are subscribed to (kv-routing §8.7).</summary>
/// <param name="Port">Port of rank 0's publisher; rank r is at port + r.</param>
/// <param name="ReplayPort">Port of rank 0's replay socket; 0 = none: gaps are counted, not repaired.</param>
/// <param name="TopicFilter">Prefix of the topics; llm-d's engines are told <c>kv@pod@model</c>, engines by themselves use an empty topic.</param>
/// <param name="ListenPort">When above 0, engines connect to this port and name themselves by topic, and nobody is connected to.</param>
/// <param name="User">PLAIN user name; null = no authentication, which is all that engines offer by themselves.</param>
/// <param name="Password">PLAIN password.</param>
/// <param name="MaxMessageBytes">Bytes of one message at most.</param>
internal sealed record EngineEventOptions(
    int Port = 5557,
    int ReplayPort = 0,
    string TopicFilter = "kv@",
    int ListenPort = 0,
    string? User = null,
    string? Password = null,
    int MaxMessageBytes = 64 << 20)
{
    /// <summary>Told the model that a connected engine's topic names; null = nobody asks.</summary>
    public EngineModelSeen? ModelSeen { get; init; }

    /// <summary>Longest wait between attempts to connect.</summary>
    public TimeSpan RetryCap { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time for a connection and its handshake.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Pause between signs of life; six silent ones end a connection.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest silence during a replay.</summary>
    public TimeSpan ReplayIdle { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Longest replay.</summary>
    public TimeSpan ReplayTotal { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Replays at the same time.</summary>
    public int MaxReplays { get; init; } = 8;

    /// <summary>Time without replays after one failed.</summary>
    public TimeSpan ReplayCooldown { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Connections taken from engines at the same time.</summary>
    public int MaxConnections { get; init; } = 4096;
}

/// <summary>Takes the base model of an engine, UTF-8.</summary>
internal delegate void EngineModelSeen(ReadOnlySpan<byte> model);
