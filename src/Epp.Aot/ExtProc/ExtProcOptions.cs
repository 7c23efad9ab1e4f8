using Epp.Native;

namespace Epp.Aot.ExtProc;

/// <summary>What an operator can set about the exchange.</summary>
/// <param name="Dialect">Wording and rules of which peer.</param>
/// <param name="EmitEndpointScores">Put every scored endpoint into the dynamic metadata (<c>--emit-endpoint-scores</c>).</param>
/// <param name="DisableSubsetFilter">Ignore the gateway's subset hint (<c>--disable-endpoint-subset-filter</c>).</param>
/// <param name="MaxBodyBytes">Largest request body of one stream; beyond it 413.</param>
/// <param name="MaxBufferedBytes">Request bodies of all streams together; beyond it 503.</param>
internal sealed record ExtProcOptions(
    Dialect Dialect = Dialect.LlmD,
    bool EmitEndpointScores = false,
    bool DisableSubsetFilter = false,
    int MaxBodyBytes = 64 * 1024 * 1024,
    long MaxBufferedBytes = 512L * 1024 * 1024);
