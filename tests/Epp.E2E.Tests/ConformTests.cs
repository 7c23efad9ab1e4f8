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
    [SkippableFact]
    public async Task RecordedTraffic_OfEveryConfigurationBuilt_NoneFails()
    {
        var cases = SharedTools.RequireData("transcripts");
        var tool = SharedTools.Require("epp-conform");
        var binary = EppProcess.RequireBinary();
        using var ports = await FixedPorts.TakeAsync();
        var start = $"exec '{binary}' --pool-name pool --config-file $EPP_CONFIG --grpc-port $EPP_GRPC_PORT --grpc-health-port $EPP_HEALTH_PORT "
            + "--metrics-port $EPP_METRICS_PORT --secure-serving=false $EPP_EXTRA_FLAGS";
        var (code, text, errors) = SharedTools.Run(tool, ["-cases", cases, "-configs", "default,scores,multi,flowcontrol", "-start", start], TimeSpan.FromMinutes(10));
        var failures = text.Split('\n').Where(l => l.StartsWith("FAIL", StringComparison.Ordinal)).ToArray();
        var summary = Summary().Match(text);
        output.WriteLine(summary.Success ? summary.Value : text + errors);
        Assert.True(summary.Success, $"No summary; exit code {code}:\n{text}\n{errors}");
        Assert.True(summary.Groups["failed"].Value == "0" && code == 0, $"{summary.Value}\n{string.Join('\n', failures)}");
        Assert.True(int.Parse(summary.Groups["skipped"].Value) == ExpectedSkips(cases), $"Expected {ExpectedSkips(cases)} skips by expect.json: {summary.Value}");
        Assert.True(int.Parse(summary.Groups["passed"].Value) > 100, $"Hardly anything was compared: {summary.Value}");
    }

    // Cases that expect.json gives up on, of the four configurations; the others have no reason to be skipped.
    private static int ExpectedSkips(string cases)
    {
        using var expect = JsonDocument.Parse(File.ReadAllText(Path.Combine(cases, "expect.json")));
        return expect.RootElement.EnumerateObject().Count(c => c.Value.TryGetProperty("skip", out _) && IsReplayed(Path.Combine(cases, c.Name + ".jsonl")));
    }

    private static bool IsReplayed(string file)
    {
        if (!File.Exists(file))
        {
            return false;
        }

        using var head = JsonDocument.Parse(File.ReadLines(file).First());
        return head.RootElement.GetProperty("epp_config").GetString() is "default" or "scores" or "multi" or "flowcontrol";
    }

    [GeneratedRegex(@"(?<passed>\d+) passed, (?<failed>\d+) failed, (?<skipped>\d+) skipped")]
    private static partial Regex Summary();
}
