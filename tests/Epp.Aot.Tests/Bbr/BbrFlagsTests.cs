using System.Text;
using Epp.Aot.Bbr;
using Epp.Aot.Cli;
using Epp.Aot.Tests.Architecture;
using Epp.Native.Bbr;

namespace Epp.Aot.Tests.Bbr;

/// <summary>The flags of <c>epp bbr</c> (contract §9.3).</summary>
[Trait("Category", "Unit")]
public sealed class BbrFlagsTests
{
    private const string Extractor = """body-field-to-header:model-extractor:{"fieldName":"model","headerName":"X-Gateway-Model-Name"}""";

    [Theory]
    [InlineData("--streaming --v 3", "", BbrDialect.Gaie12)]
    [InlineData("", "", BbrDialect.Gaie12)]
    [InlineData("--streaming --v 3 --tracing=false", "", BbrDialect.Gaie15)]
    [InlineData("--secure-serving=false", "", BbrDialect.Gaie15)]
    [InlineData("--streaming", "default", BbrDialect.Gaie15)]
    [InlineData("--dialect=v1.5", "", BbrDialect.Gaie15)]
    [InlineData("--dialect v1.2 --metrics-endpoint-auth=false", "default", BbrDialect.Gaie12)]
    public void Dialect_IsThatOfTheFlagsOrAsSaid(string args, string ns, BbrDialect expected)
    {
        var start = Read(args.Split(' ', StringSplitOptions.RemoveEmptyEntries), ns);
        Assert.Empty(start.Errors);
        Assert.Equal((expected, ns), (start.Options!.Dialect, start.Namespace));
    }

    [Fact]
    public void Arguments_OfTheCharts_AreRead()
    {
        var old = Read(["--streaming", "--v", "3"], "");
        Assert.Equal((true, false, "model"), (old.Options!.Streaming, old.Options.WantsBaseModels, Assert.Single(old.Options.InForce).Field));
        // Values apart from their booleans, as the chart renders its map of flags.
        var current = Read(["--streaming", "--secure-serving", "false", "--v", "3", "--plugin", Extractor, "--plugin", "base-model-to-header:base-model-mapper", "--tracing=false"], "ns");
        Assert.Empty(current.Errors);
        Assert.Equal(
            [(BbrPluginKind.BodyFieldToHeader, "model-extractor", "model", "X-Gateway-Model-Name"), (BbrPluginKind.BaseModelToHeader, "base-model-mapper", "model", "X-Gateway-Base-Model-Name")],
            current.Options!.InForce.Select(p => Parts(p)));
        Assert.Equal(BbrPlugin.Defaults, Read(["--dialect=v1.5"], "").Options!.InForce);
    }

    [Theory]
    [InlineData("--steaming", "unknown flag: --steaming, did you mean --streaming?")]
    [InlineData("--pool-name=p", "unknown flag: --pool-name")]
    [InlineData("--dialect=v2", "expected v1.2 or v1.5")]
    [InlineData("--grpc-port=0", "expected a port, 1 to 65535")]
    [InlineData("--grpc-port=9090", "port conflict: grpc-port (9090), grpc-health-port (9005), and metrics-port (9090) must all be different")]
    [InlineData("--max-request-body-bytes=0", "expected more than 0 bytes")]
    [InlineData("--drain-timeout=-1s", "expected 0 or more")]
    [InlineData("--dialect=v1.2 --plugin=base-model-to-header:b", "--plugin needs --dialect=v1.5")]
    [InlineData("--plugin=nosuch:n", "unknown plugin type 'nosuch': expected body-field-to-header or base-model-to-header")]
    [InlineData("--tls-min-version=1", "expected VersionTLS10")]
    public void Mistakes_AreErrorsThatSayWhatToWrite(string args, string expected)
    {
        var start = Read(args.Split(' '), "");
        Assert.Null(start.Options);
        Assert.Contains(start.Errors, e => e.Contains(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("body-field-to-header", "expected <type>:<name>[:<json>]")]
    [InlineData("", "expected <type>:<name>[:<json>]")]
    [InlineData(":n", "the type is empty")]
    [InlineData("body-field-to-header: :{}", "the name is empty")]
    [InlineData("body-field-to-header:n", "fieldName is required")]
    [InlineData("""body-field-to-header:n:{"fieldName":"f"}""", "headerName is required")]
    [InlineData("body-field-to-header:n:{", "no valid JSON")]
    [InlineData("body-field-to-header:n:{} {}", "no valid JSON")]
    [InlineData("body-field-to-header:n:[]", "no JSON object")]
    [InlineData("""body-field-to-header:n:{"fieldName":1}""", "fieldName is no text")]
    [InlineData("""body-field-to-header:n:{"field":"f"}""", "unknown parameter 'field'")]
    [InlineData("""body-field-to-header:n:{"fieldName":"f","headerName":"a b"}""", "is no name of a header")]
    [InlineData("""body-field-to-header:n:{"fieldName":"f","headerName":"a\r\nb: c"}""", "is no name of a header")]
    [InlineData("""body-field-to-header:n:{"fieldName":"f2345678901234567890123456789012345678901","headerName":"h"}""", "fieldName is longer than 40 bytes")]
    [InlineData("base-model-to-header:n:x", "no valid JSON")]
    public void Plugin_BadText_SaysWhy(string text, string expected)
    {
        Assert.Null(BbrPluginSpec.Parse(text, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""body-field-to-header:n:{"fieldName":"a:b","headerName":":path"}""", "a:b", ":path")]
    [InlineData(""" body-field-to-header : n : {"FIELDNAME":"é","headername":"X-1"} """, "é", "X-1")]
    public void Plugin_GoodText_IsRead(string text, string field, string header)
    {
        Assert.Equal((BbrPluginKind.BodyFieldToHeader, "n", field, header), Parts(BbrPluginSpec.Parse(text, out var error)));
        Assert.Equal("", error);
        Assert.Equal(Parts(BbrPlugin.BaseModel("b")), Parts(BbrPluginSpec.Parse("base-model-to-header:b:", out _)));
        Assert.Equal(Parts(BbrPlugin.BaseModel("b")), Parts(BbrPluginSpec.Parse("base-model-to-header:b:{\"any\":[1]}", out _)));
    }

    [Fact]
    public void Plugin_DamagedText_NeverThrows_AndHasAPluginOrAReason()
    {
        const int seed = 12;
        var random = new Random(seed);
        var read = 0;
        for (var round = 0; round < 20_000; round++)
        {
            Fuzz.Mutate(random, Encoding.UTF8.GetBytes(Extractor), bytes =>
            {
                var plugin = BbrPluginSpec.Parse(Encoding.UTF8.GetString(bytes), out var error);
                Assert.Equal(plugin is null, error.Length > 0);
                read += plugin is null ? 0 : 1;
                if (plugin is not null)
                {
                    _ = new BbrPlan(new BbrOptions(BbrDialect.Gaie15, plugins: [plugin]), new BbrMetrics(BbrDialect.Gaie15, "", TimeProvider.System));
                }
            });
        }

        Assert.InRange(read, 100, 19_000);
        Assert.Contains("longer than", Error($"body-field-to-header:n:{new string(' ', BbrPluginSpec.MaxChars + 1)}"), StringComparison.Ordinal);
        Assert.Contains(Read([.. Enumerable.Repeat("--plugin=base-model-to-header:b", 65)], "").Errors, e => e.Contains("at most 64", StringComparison.Ordinal));
    }

    [Fact]
    public void Page_NamesEveryFlag_WithTypeAndDefault()
    {
        var documented = Repository.Lines("docs/bbr.md").Where(l => l.StartsWith("| `-", StringComparison.Ordinal)).Select(l => l.Split(" | ").Select(c => c.Trim('|', ' ')).ToArray())
            .Select(r => (r[0].Trim('`').TrimStart('-'), r[1], r[2].Trim('`')));
        Assert.Equal(BbrFlags.All.Select(f => (f.Name, f.Type.ToString().ToLowerInvariant(), f.Default)), documented);
        Assert.Contains("--plugin repeated", new FlagSet(BbrFlags.All).Help(), StringComparison.Ordinal);
    }

    private static (BbrPluginKind Kind, string Name, string Field, string Header) Parts(BbrPlugin? plugin) => (plugin!.Kind, plugin.Name, plugin.Field, plugin.Header);

    private static string Error(string text)
    {
        BbrPluginSpec.Parse(text, out var error);
        return error;
    }

    private static BbrStart Read(string[] args, string ns)
    {
        var flags = new FlagSet(BbrFlags.All, interspersed: true);
        flags.Parse(args);
        return BbrStart.Read(flags, name => name == "NAMESPACE" ? ns : null);
    }
}
