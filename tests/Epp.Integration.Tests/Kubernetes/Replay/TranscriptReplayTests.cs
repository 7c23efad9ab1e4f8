using System.Text.RegularExpressions;
using Epp.Testing;
using Xunit.Abstractions;

namespace Epp.Integration.Tests.Kubernetes.Replay;

/// <summary>
/// Recorded traffic of the references in Kubernetes mode: each case's objects are put into the real API server, its messages replayed, and
/// the answers compared by effect. <c>EPP_CASES</c>, a regular expression, picks cases.
/// </summary>
[Trait("Category", "Integration")]
public sealed class TranscriptReplayTests(ITestOutputHelper output)
{
    [SkippableTheory]
    [InlineData("gaie")]
    [InlineData("llmd")]
    public async Task RecordedTraffic_HasTheRecordedEffect(string stack)
    {
        var folder = Path.Combine(SharedTools.RequireData("transcripts-kube"), stack);
        var plane = await KubeTestplane.RequireAsync();
        await using var workers = await ReplayWorkers.StartAsync();
        var all = RecordedCase.LoadAll(folder, workers.Net);
        Assert.NotEmpty(all);
        var only = new Regex(Environment.GetEnvironmentVariable("EPP_CASES") is { Length: > 0 } pattern ? pattern : ".");
        var tally = new Tally();
        foreach (var group in all.Where(c => only.IsMatch(c.Name)).GroupBy(c => c.Config))
        {
            await RunGroupAsync(plane, workers, stack, [.. group], all.FirstOrDefault(c => c.Changes.Count == 0, all[0]), tally);
        }

        foreach (var line in tally.Lines)
        {
            output.WriteLine(line);
        }

        output.WriteLine($"{stack}: {tally.Passed} as recorded, {tally.Deviating} deviating as wanted, {tally.Waiting} waiting, {tally.Failed} failed");
        Assert.True(tally.Passed > 0, "nothing was compared");
        Assert.True(tally.Failed == 0, string.Join('\n', tally.Lines.Where(l => l.StartsWith("FAIL", StringComparison.Ordinal))));
    }

    private static async Task RunGroupAsync(KubeTestplane plane, ReplayWorkers workers, string stack, RecordedCase[] cases, RecordedCase usual, Tally tally)
    {
        var ns = await plane.NewNamespaceAsync();
        var config = cases[0].Config;
        var epp = EppProcess.Launch(new EppOptions
        {
            Config = config,
            NoConfig = config.Length == 0,
            Flags = ["--metrics-endpoint-auth=false", "--pool-namespace", ns, "--tracing=false", "-v=1"],
            Environment = new Dictionary<string, string?> { ["KUBECONFIG"] = plane.Kubeconfig, ["KUBERNETES_SERVICE_HOST"] = null, ["NAMESPACE"] = null },
        });
        await using (epp)
        {
            if (!await StartsAsync(epp))
            {
                tally.Wait(cases, epp.LogText);
                return;
            }

            var cluster = new ReplayCluster(plane, ns, stack);
            var replay = new CaseReplay(epp, cluster, workers, stack, usual.Objects);
            workers.Set([]);
            await cluster.BecomeAsync(usual.Objects);
            await epp.UntilHealthAsync("SERVING");
            foreach (var item in cases)
            {
                if (item.IsWhole)
                {
                    tally.Add(item.Name, await replay.RunAsync(item));
                }
                else
                {
                    tally.Wait([item], "the recording leaves out the bytes of a message");
                }

                Assert.False(epp.HasExited, $"The EPP ended in {item.Name}:\n{epp.LogText}");
            }
        }
    }

    /// <summary>False where the EPP refuses the configuration because of something that is not built.</summary>
    private static async Task<bool> StartsAsync(EppProcess epp)
    {
        try
        {
            await epp.WaitForPortsAsync();
            return true;
        }
        catch (Xunit.Sdk.XunitException) when (epp.HasExited && epp.LogText.Contains("not built", StringComparison.Ordinal))
        {
            return false;
        }
    }

    private sealed class Tally
    {
        public List<string> Lines { get; } = [];

        public int Passed { get; private set; }

        public int Deviating { get; private set; }

        public int Waiting { get; private set; }

        public int Failed { get; private set; }

        public void Wait(RecordedCase[] cases, string reason)
        {
            Waiting += cases.Length;
            Lines.AddRange(cases.Select(c => $"WAIT {c.Name}: {reason.Split('\n').First(l => l.Length > 0)}"));
        }

        public void Add(string name, CaseOutcome outcome)
        {
            var deviation = Array.Find(Deviations.All, d => d.Cases.Contains(name));
            var problems = outcome.Violations.ToList();
            if (deviation is null)
            {
                problems.AddRange(outcome.Differences);
            }
            else if (outcome.Differences.Count == 0 && deviation.Always)
            {
                problems.Add($"it is as recorded: no deviation any more ({deviation.Reason})");
            }
            else if (deviation.Wanted(outcome) is { } wrong)
            {
                problems.Add($"{wrong} ({deviation.Reason})");
            }

            if (problems.Count > 0)
            {
                Failed++;
                Lines.Add($"FAIL {name}: {string.Join("; ", problems.Take(4))}{(problems.Count > 4 ? $"; {problems.Count - 4} more" : "")}");
            }
            else if (deviation is null)
            {
                Passed++;
            }
            else
            {
                Deviating++;
                Lines.Add($"DEVIATES {name}: {deviation.Reason}");
            }
        }
    }
}
