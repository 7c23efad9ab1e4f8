using Epp.Aot.Telemetry;
using Epp.Native.Pool;

namespace Epp.Aot.Tests.Telemetry;

[Trait("Category", "Unit")]
public sealed class MetricsDocTests
{
    [Fact]
    public void Catalogue_ListsEveryFamily_WithTypeAndLabels()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root!.FullName, "Epp.slnx")))
        {
            root = root.Parent;
        }

        var documented = File.ReadLines(Path.Combine(root.FullName, "docs", "metrics.md"))
            .TakeWhile(l => l != "## The body-based router")
            .Where(l => l.StartsWith("| `", StringComparison.Ordinal))
            .Select(l => l.Split('|', StringSplitOptions.TrimEntries))
            .Select(c => $"{c[1].Trim('`')} {c[2]} {c[3]}");
        var metrics = new EppMetrics(new EppMetricsOptions(StreamMetrics: true), new Pool(), TimeProvider.System);
        var declared = metrics.Families.Select(f => $"{f.Name} {f.Kind.ToString().ToLowerInvariant()} {string.Join(", ", f.Labels)}");
        Assert.Equal(declared, documented);
    }
}
