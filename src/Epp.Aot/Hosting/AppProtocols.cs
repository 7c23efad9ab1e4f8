using Epp.Aot.Configuration;
using Epp.Native;

namespace Epp.Aot.Hosting;

/// <summary>Do the configured parsers understand what the pool's <c>appProtocol</c> says its servers speak (contract §3.2, §4.4)?</summary>
internal static class AppProtocols
{
    public const string Http = "http";
    public const string H2c = "kubernetes.io/h2c";

    /// <summary>True where the protocol is not stated, or every parser that is bound to protocols has it. GAIE does not ask.</summary>
    public static bool Match(EppConfig config, string appProtocol) =>
        config.Dialect == Dialect.Gaie || appProtocol.Length == 0 || config.Parsers.All(p => Of(p.Type) is not { } spoken || spoken.Contains(appProtocol));

    /// <summary>Null = any protocol.</summary>
    private static string[]? Of(string parser) => parser switch
    {
        PluginCatalog.PassthroughParser => null,
        "vllmgrpc-parser" or "vertexai-parser" => [H2c],
        _ => [H2c, Http],
    };
}
