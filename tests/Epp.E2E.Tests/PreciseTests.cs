using System.Globalization;
using Epp.Testing;
using Xunit.Abstractions;

namespace Epp.E2E.Tests;

/// <summary>
/// The published EPP under simulated engines that publish KV events and hash with the tokenizer that the EPP loads: chat requests through
/// gateway, chat template, tokenizer, block hashes and event index.
/// </summary>
[Trait("Category", "E2E")]
public sealed class PreciseTests(ITestOutputHelper output)
{
    /// <summary>About 20 s on two shared cores; <c>EPP_HIT_REQUESTS=10000</c> for the long run.</summary>
    private static readonly string Requests = Environment.GetEnvironmentVariable("EPP_HIT_REQUESTS") ?? "1500";

    [SkippableFact]
    public void Hits_UnderEvictionAndResets_PredictedEqualsHeldEqualsObserved() => CheckHits(Run("hits", "--requests", Requests));

    /// <summary>Workers that publish as Dynamo's do, over a real nats-server.</summary>
    [SkippableFact]
    public void Hits_EventsOfDynamoOverNats_PredictedEqualsHeldEqualsObserved()
    {
        using var nats = new NatsServer(jetStream: false);
        CheckHits(Run("hits", "--requests", Requests, "--nats", nats.Url));
    }

    [SkippableFact]
    public void Demo_Precise_RecoversFromARestartAndFindsWhatOthersBrought()
    {
        var text = Run("demo", "--mode", "precise", "--sessions", "24", "--turns", "4", "--concurrency", "4");
        var storm = text[text.IndexOf("Eviction storm:", StringComparison.Ordinal)..text.IndexOf("Restart:", StringComparison.Ordinal)];
        var restart = text[text.IndexOf("Restart:", StringComparison.Ordinal)..];
        foreach (var table in (string[])[storm, restart])
        {
            Assert.True(Hits(table, "precise ") > Hits(table, "approximate "), "precise prefixes must hit more than approximate ones");
            Assert.True(Hits(table, "precise ") > Hits(table, "round-robin "), "precise prefixes must hit more than round-robin");
        }
    }

    private static void CheckHits(string text)
    {
        Assert.Contains($"predicted = held = observed: {Requests} of {Requests} requests, 4 workers each", text, StringComparison.Ordinal);
        // What was compared is worth comparing: prefixes were shared, blocks evicted, caches emptied.
        var figures = text.Split('\n').First(static l => l.Contains(" requests with a hit, ", StringComparison.Ordinal)).Split(' ');
        Assert.True(Number(figures[0]) > Number(Requests) / 2, "half of the requests should find a prefix");
        Assert.True(Number(figures[Array.IndexOf(figures, "cached") - 1]) > Number(Requests) / 100, "last blocks should be computed anew, which leaves copies");
        Assert.True(Number(figures[Array.IndexOf(figures, "removed,") - 1]) > Number(Requests), "the caches should be under pressure");
        Assert.True(Number(figures[Array.IndexOf(figures, "caches") - 1]) > 0, "caches should be emptied now and then");
        var kept = text.Split('\n').First(static l => l.Contains(" prompts began as one that was kept, ", StringComparison.Ordinal)).Split(' ');
        Assert.True(Number(kept[0]) > Number(Requests) / 10, "prompts should begin as others did that were kept");
        Assert.True(Number(kept[Array.IndexOf(kept, "of") - 1]) > Number(Requests) / 20, "hashes of what was kept should be known");
    }

    private string Run(params string[] arguments)
    {
        var binary = EppProcess.RequireBinary();
        var lab = Path.Combine(SharedTools.Repository ?? ".", "bench", "Epp.Lab", "bin", "Release", "net10.0", "epp-lab.dll");
        Skip.IfNot(File.Exists(lab), $"{lab} is missing; run make build");
        var (code, text, errors) = SharedTools.Run("dotnet", [lab, arguments[0], "--epp", binary, .. arguments[1..]], TimeSpan.FromMinutes(10));
        output.WriteLine(text + errors);
        Assert.Equal(0, code);
        return text;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>Column "cache hits" of a policy's line: <c>policy requests failed NN.N % …</c></summary>
    private static double Hits(string table, string policy)
    {
        var words = table.Split('\n').Last(l => l.StartsWith(policy, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("0", words[2]);
        return double.Parse(words[3], CultureInfo.InvariantCulture);
    }
}
