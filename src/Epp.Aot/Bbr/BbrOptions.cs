using Epp.Native.Bbr;

namespace Epp.Aot.Bbr;

/// <summary>What an operator sets about the body-based router's exchange. Immutable.</summary>
/// <param name="dialect">Whose behaviour.</param>
/// <param name="streaming">The gateway streams bodies in full duplex, where it does not say itself what it does.</param>
/// <param name="plugins">In the order they run; null = the model and its base model.</param>
/// <param name="maxBodyBytes">Largest request body of one stream; beyond it 413.</param>
/// <param name="maxBufferedBytes">Bodies of all streams together; beyond it 503.</param>
internal sealed class BbrOptions(
    BbrDialect dialect = BbrDialect.Gaie12,
    bool streaming = false,
    IReadOnlyList<BbrPlugin>? plugins = null,
    int maxBodyBytes = 64 * 1024 * 1024,
    long maxBufferedBytes = 512L * 1024 * 1024)
{
    public BbrDialect Dialect => dialect;

    public bool Streaming => streaming;

    public int MaxBodyBytes => maxBodyBytes;

    public long MaxBufferedBytes => maxBufferedBytes;

    /// <summary>The plugins in force: v1.2 has one thing to do and no plugins.</summary>
    public IReadOnlyList<BbrPlugin> InForce { get; } = dialect == BbrDialect.Gaie12 ? [BbrPlugin.ModelToHeader] : plugins ?? BbrPlugin.Defaults;

    /// <summary>True where the mapping of ConfigMaps is used.</summary>
    public bool WantsBaseModels
    {
        get
        {
            foreach (var plugin in InForce)
            {
                if (plugin.Kind == BbrPluginKind.BaseModelToHeader)
                {
                    return true;
                }
            }

            return false;
        }
    }
}
