using Epp.Native.Bbr;

namespace Epp.Aot.Bbr;

/// <summary>What an operator sets about the body-based router's exchange.</summary>
/// <param name="Dialect">Whose behaviour.</param>
/// <param name="Streaming">The gateway streams bodies in full duplex, where it does not say itself what it does.</param>
/// <param name="Plugins">In the order they run.</param>
/// <param name="MaxBodyBytes">Largest request body of one stream; beyond it 413.</param>
/// <param name="MaxBufferedBytes">Bodies of all streams together; beyond it 503.</param>
internal sealed record BbrOptions(
    BbrDialect Dialect = BbrDialect.Gaie12,
    bool Streaming = false,
    IReadOnlyList<BbrPlugin>? Plugins = null,
    int MaxBodyBytes = 64 * 1024 * 1024,
    long MaxBufferedBytes = 512L * 1024 * 1024)
{
    /// <summary>The plugins in force: v1.2 has one thing to do and no plugins.</summary>
    public IReadOnlyList<BbrPlugin> InForce => Dialect == BbrDialect.Gaie12 ? [BbrPlugin.ModelToHeader] : Plugins ?? BbrPlugin.Defaults;

    /// <summary>True where the mapping of ConfigMaps is used.</summary>
    public bool WantsBaseModels => InForce.Any(p => p.Kind == BbrPluginKind.BaseModelToHeader);
}
