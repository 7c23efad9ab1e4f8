using Epp.Aot.Scraping;
using Epp.Native.Pool;

namespace Epp.Aot.Tests.Scraping;

[Trait("Category", "Unit")]
public sealed class ScrapePortsTests
{
    [Theory]
    [InlineData(0, false, new[] { 8000, 8000, 8001 })]
    [InlineData(9000, false, new[] { 9000, 9000, 9000 })]
    [InlineData(9000, true, new[] { 9000, 8000, 8001 })]
    public void Override_OfTheFlag_CountsForAddressesWithOneEndpoint(int port, bool ifAlone, int[] expected)
    {
        var pool = new Pool();
        pool.Publish([new("d", "a", "10.0.0.1", 8000), new("d", "b-0", "10.0.0.2", 8000), new("d", "b-1", "10.0.0.2", 8001)]);
        var ports = new ScrapePorts(new ScraperOptions(PortOverride: port, PortIfAlone: ifAlone), pool.Current);
        Assert.Equal(expected, pool.Current.Indexes.Select(i => ports.Of(pool.Current[i])));
    }
}
