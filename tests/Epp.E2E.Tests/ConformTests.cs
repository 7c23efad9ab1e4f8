using System.Text.Json;
using System.Text.RegularExpressions;
using Epp.Testing;
using Xunit.Abstractions;

namespace Epp.E2E.Tests;

/// <summary>The recorded traffic of a real Envoy, replayed against the published binary and compared by effect.</summary>
[Trait("Category", "E2E")]
[Collection(FixedPorts.Collection)]
public sealed partial class ConformTests(ITestOutputHelper output)
{
    // The exchanges of extras were recorded with a tracer; nobody has to listen at its endpoint.
    [SkippableTheory]
    [InlineData("default,scores,multi,flowcontrol", 100, "")]
    [InlineData("extras", 4, "OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9 ")]
    public async Task RecordedTraffic_NoneFails(string configs, int more, string environment)
    {
        var cases = SharedTools.RequireData("transcripts");
        var tool = SharedTools.Require("epp-conform");
        var binary = EppProcess.RequireBinary();
        using var ports = await FixedPorts.TakeAsync();
        var start = $"{environment}exec '{binary}' --pool-name pool --config-file $EPP_CONFIG --grpc-port $EPP_GRPC_PORT --grpc-health-port $EPP_HEALTH_PORT "
            + "--metrics-port $EPP_METRICS_PORT --secure-serving=false $EPP_EXTRA_FLAGS";
        var (code, text, errors) = SharedTools.Run(tool, ["-cases", cases, "-configs", configs, "-start", start], TimeSpan.FromMinutes(10));
        var failures = text.Split('\n').Where(l => l.StartsWith("FAIL", StringComparison.Ordinal)).ToArray();
        var summary = Summary().Match(text);
        output.WriteLine(summary.Success ? summary.Value : text + errors);
        Assert.True(summary.Success, $"No summary; exit code {code}:\n{text}\n{errors}");
        Assert.True(summary.Groups["failed"].Value == "0" && code == 0, $"{summary.Value}\n{string.Join('\n', failures)}");
        Assert.True(int.Parse(summary.Groups["skipped"].Value) == ExpectedSkips(cases, configs), $"Expected {ExpectedSkips(cases, configs)} skips by expect.json: {summary.Value}");
        Assert.True(int.Parse(summary.Groups["passed"].Value) > more, $"Hardly anything was compared: {summary.Value}");
    }

    // Cases that expect.json gives up on, of these configurations; the others have no reason to be skipped.
    private static int ExpectedSkips(string cases, string configs)
    {
        using var expect = JsonDocument.Parse(File.ReadAllText(Path.Combine(cases, "expect.json")));
        return expect.RootElement.EnumerateObject().Count(c => c.Value.TryGetProperty("skip", out _) && IsReplayed(Path.Combine(cases, c.Name + ".jsonl"), configs));
    }

    private static bool IsReplayed(string file, string configs)
    {
        if (!File.Exists(file))
        {
            return false;
        }

        using var head = JsonDocument.Parse(File.ReadLines(file).First());
        return configs.Split(',').Contains(head.RootElement.GetProperty("epp_config").GetString());
    }

    [GeneratedRegex(@"(?<passed>\d+) passed, (?<failed>\d+) failed, (?<skipped>\d+) skipped")]
    private static partial Regex Summary();
}
