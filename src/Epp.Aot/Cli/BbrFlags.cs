namespace Epp.Aot.Cli;

/// <summary>
/// The flags of <c>epp bbr</c>: those of GAIE's body-based router v1.2 and v1.5 (contract §9.3), and of the endpoint picker's own those
/// that mean the same here.
/// </summary>
internal static class BbrFlags
{
    private const string Routing = "Routing";

    public static IReadOnlyList<Flag> All { get; } =
    [
        new("streaming", FlagType.Bool, "false", Routing, "The gateway streams bodies in full duplex (FULL_DUPLEX_STREAMED); where it says its body modes itself, they count."),
        new("plugin", FlagType.Repeated, "", Routing, "A plugin, <type>:<name>[:<json>], of type body-field-to-header or base-model-to-header; may be given several times. None = the model and its base model, each to its header."),
        new("dialect", FlagType.String, "", Routing, "v1.2 or v1.5 of GAIE's router; empty = v1.5 where a flag that only v1.5 has or the variable NAMESPACE is set, else v1.2."),
        Shared("kubeconfig", Routing),
        Shared("grpc-port") with { Default = "9004" },
        Shared("grpc-health-port") with { Default = "9005" },
        Shared("health-checking"),
        Shared("drain-timeout"),
        Shared("secure-serving"),
        Shared("cert-path"),
        Shared("enable-cert-reload"),
        Shared("tls-min-version"),
        Shared("tls-cipher-suites"),
        Shared("metrics-port"),
        Shared("metrics-endpoint-auth"),
        Shared("metrics-cert-dir"),
        Shared("metrics-client-ca-file"),
        Shared("enable-pprof") with { WithoutEffect = "the body-based router has no debug pages" },
        Shared("grpc-max-recv-msg-size"),
        Shared("max-request-body-bytes"),
        Shared("max-buffered-bytes") with { Help = "Request bodies, and answers held, of all streams together; beyond it the client gets 503." },
        new("v", FlagType.Int, "2", Shared("v").Group, "Verbosity: 2 default, 3 verbose, 4 debug (why requests are refused), 5 trace."),
        Shared("tracing") with { Default = "false", WithoutEffect = "the body-based router exports no traces" },
        Shared("zap-encoder"),
        Shared("zap-log-level"),
        Shared("zap-devel"),
        Shared("zap-stacktrace-level"),
        Shared("zap-time-encoding"),
    ];

    private static Flag Shared(string name, string? group = null)
    {
        var flag = EppFlags.All.First(f => f.Name == name);
        return group is null ? flag : flag with { Group = group };
    }
}
