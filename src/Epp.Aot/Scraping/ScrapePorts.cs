using Epp.Native.Pool;

namespace Epp.Aot.Scraping;

/// <summary>Which port of each endpoint of one snapshot is scraped.</summary>
internal sealed class ScrapePorts
{
    private readonly ScraperOptions _options;
    private readonly HashSet<string> _shared = new(StringComparer.Ordinal);

    public ScrapePorts(ScraperOptions options, PoolSnapshot snapshot)
    {
        _options = options;
        if (options is { PortIfAlone: true, PortOverride: > 0 })
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var i in snapshot.Indexes)
            {
                if (!seen.Add(snapshot[i].Address))
                {
                    _shared.Add(snapshot[i].Address);
                }
            }
        }
    }

    public int Of(Endpoint endpoint) =>
        _options.PortOverride > 0 && !_shared.Contains(endpoint.Address) ? _options.PortOverride : endpoint.Port;
}
