namespace Epp.Testing;

/// <summary>How to start an EPP.</summary>
public sealed record EppOptions
{
    /// <summary>Endpoints as <c>ip:port</c>, named e0, e1, …</summary>
    public IReadOnlyList<string> Endpoints { get; init; } = [];

    /// <summary>An EndpointPickerConfig in which <c>@ENDPOINTS@</c> stands for the endpoints file; null = queue, KV, prefix, LoRA, max-score.</summary>
    public string? Config { get; init; }

    /// <summary>Starts without a configuration, so that the built-in one is in force.</summary>
    public bool NoConfig { get; init; }

    /// <summary>A subcommand that serves, such as <c>bbr</c>, instead of the endpoint picker: without pool, configuration and endpoints.</summary>
    public string? Subcommand { get; init; }

    /// <summary>More command-line flags.</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];

    public bool Tls { get; init; }

    /// <summary>Environment variables beside the test's own; null value = unset.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>ext_proc port; 0 = a free one. Health and metrics take free ones too.</summary>
    public int GrpcPort { get; init; }
}
