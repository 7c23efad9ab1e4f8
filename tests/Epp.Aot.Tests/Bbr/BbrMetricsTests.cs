using System.Buffers;
using System.Text;
using Epp.Aot.Bbr;
using Epp.Aot.Telemetry;
using Epp.Aot.Tests.Architecture;
using Epp.Native.Bbr;
using Epp.Testing;

namespace Epp.Aot.Tests.Bbr;

/// <summary>Metrics of the body-based router, by the names of each reference (contract §9.3).</summary>
[Trait("Category", "Unit")]
[Collection("ext_proc")]
public sealed class BbrMetricsTests
{
    [Fact]
    public void Exposition_V12_HasItsThreeCounters()
    {
        var rig = new BbrRig(new BbrOptions());
        Send(rig, Ask.ChatBody(), "{}", "x", Ask.ChatBody());
        var lines = Lines(rig);
        Assert.Contains("bbr_success_total 2", lines);
        Assert.Contains("bbr_model_not_in_body_total 1", lines);
        Assert.Contains("bbr_model_not_parsed_total 1", lines);
        Assert.DoesNotContain(lines, l => l.StartsWith("bbr_info", StringComparison.Ordinal) || l.StartsWith("bbr_body_field", StringComparison.Ordinal));
    }

    [Fact]
    public void Exposition_V15_HasItsFive_AndTheWatch()
    {
        var rig = new BbrRig(new BbrOptions(BbrDialect.Gaie15));
        rig.Metrics.ConfigMaps.Up = true;
        Send(rig, Ask.ChatBody(), "{}", "x", """{"model":""}""");
        var lines = Lines(rig);
        Assert.Contains("""bbr_info{build_ref="1.0",commit=""} 1""", lines);
        Assert.Contains("bbr_success_total 3", lines);
        Assert.Contains("""bbr_body_field_not_found_total{field="model"} 1""", lines);
        Assert.Contains("""bbr_body_field_empty_total{field="model"} 1""", lines);
        Assert.Contains("""bbr_plugin_duration_seconds_count{extension_point="request",plugin_name="base-model-to-header",plugin_type="base-model-to-header"} 3""", lines);
        Assert.Contains("""epp_kubernetes_watch_up{resource="configmaps"} 1""", lines);
        Assert.Contains(lines, l => l.StartsWith("process_resident_memory_bytes ", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.StartsWith("bbr_model_not", StringComparison.Ordinal));
    }

    [Fact]
    public void Page_ListsEveryFamilyOfTheRouter()
    {
        var documented = Repository.Lines("docs/metrics.md").SkipWhile(l => l != "## The body-based router").Where(l => l.StartsWith("| `", StringComparison.Ordinal))
            .Select(l => l.Split('|', StringSplitOptions.TrimEntries)).Select(c => $"{c[1].Trim('`')} {c[2]} {c[3]}");
        var declared = Enum.GetValues<BbrDialect>().SelectMany(d => new BbrMetrics(d, "", TimeProvider.System).Families)
            .Where(f => f.Name.StartsWith("bbr_", StringComparison.Ordinal) || f.Name.StartsWith("epp_", StringComparison.Ordinal))
            .Select(f => $"{f.Name} {f.Kind.ToString().ToLowerInvariant()} {string.Join(", ", f.Labels)}").Distinct();
        Assert.Equal(declared.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    private static void Send(BbrRig rig, params string[] bodies)
    {
        foreach (var body in bodies)
        {
            using var stream = rig.Open();
            stream.Send(Ask.Body(body));
        }
    }

    private static string[] Lines(BbrRig rig)
    {
        var output = new ArrayBufferWriter<byte>();
        new MetricsEndpoint(rig.Metrics.Families).Write(output, openMetrics: false);
        return Encoding.UTF8.GetString(output.WrittenSpan).Split('\n');
    }
}
