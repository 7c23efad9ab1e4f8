using System.Globalization;
using System.Text;
using Epp.Aot.Telemetry;
using Epp.Native;

namespace Epp.Aot.Tests.Telemetry;

[Trait("Category", "Golden")]
public sealed class ReferenceExpositionTests
{
    [SkippableFact]
    public void Exposition_EveryFamily_EqualsReference()
    {
        var reference = Reference("reference/metrics.txt");
        foreach (var file in (string[])["reference/metrics-extras.txt", "reference/metrics-flowcontrol.txt", "../transcripts-kube/metrics-llmd-default.txt"])
        {
            foreach (var (name, family) in Reference(file).Families)
            {
                reference.Families.TryAdd(name, family);
            }
        }

        Compare(reference, Exposition.Read(Exposition.Write(Exposition.Exercised())));
    }

    [SkippableFact]
    public void Exposition_GaieDialect_EqualsItsReference()
    {
        var ours = Exposition.Read(Exposition.Write(Exposition.Exercised(dialect: Dialect.Gaie)));
        var reference = Reference("../transcripts-kube/metrics-gaie-default.txt");
        foreach (var name in ours.Families.Keys.Where(n => !reference.Families.ContainsKey(n)).ToList())
        {
            ours.Families.Remove(name);
        }

        Assert.True(ours.Families.Count > 15);
        Compare(reference, ours);
    }

    /// <summary>The other direction: what a recorded picker shows, this one shows too.</summary>
    [SkippableFact]
    public void Recordings_EveryFamilyOfThePicker_IsServed()
    {
        var seen = new HashSet<string>();
        foreach (var file in (string[])[.. Directory.GetFiles(Folder("reference"), "metrics*.txt"), .. Directory.GetFiles(Folder("../transcripts-kube"), "metrics-*.txt")])
        {
            var dialect = Path.GetFileName(file).Contains("gaie", StringComparison.Ordinal) ? Dialect.Gaie : Dialect.LlmD;
            var ours = Exposition.Read(Exposition.Write(Exposition.Exercised(dialect: dialect)));
            foreach (var (name, expected) in Exposition.Read(File.ReadAllText(file)).Families)
            {
                seen.Add(name);
                if (NotThePickers.Any(p => name.StartsWith(p, StringComparison.Ordinal)) || NotBuilt.Any(n => name.Contains(n.Part, StringComparison.Ordinal)))
                {
                    continue;
                }

                Assert.True(ours.Families.TryGetValue(name, out var family), $"{Path.GetFileName(file)}: {name} is not served");
                Assert.Equal((file, name, expected.Help, expected.Type), (file, name, family!.Help, family.Type));
                Assert.Equal(expected.Labels, family.Labels);
                Assert.Equal(expected.Bounds, family.Bounds);
            }
        }

        Assert.True(seen.Count > 60);
        var declared = Exposition.Read(Exposition.Write(Exposition.Exercised())).Families.Keys;
        foreach (var (part, reason) in NotBuilt)
        {
            Assert.True(seen.Any(n => n.Contains(part, StringComparison.Ordinal)), $"no recording has {part}: remove it ({reason})");
            Assert.True(declared.All(n => !n.Contains(part, StringComparison.Ordinal)), $"{part} is served now: remove it ({reason})");
        }
    }

    /// <summary>Families of the Go runtime and of the Kubernetes client library: they describe that program's inside, not the picker.</summary>
    private static readonly string[] NotThePickers = ["go_", "controller_runtime_", "rest_client_", "workqueue_"];

    /// <summary>Families of the references that no recording shows, because nothing was evicted and no limit in bytes was set.</summary>
    private static readonly string[] NotRecorded = ["flow_control_revocation", "reclaim", "global_capacity_utilization_bytes"];

    /// <summary>Families of features that are not built, by a part of their name that no other family has.</summary>
    private static readonly (string Part, string Reason)[] NotBuilt =
    [
        ("disagg_decision_total", "disaggregation is not built"),
    ];

    [SkippableFact]
    public void GoNumber_EveryReferenceNumber_IsWrittenTheSame()
    {
        var numbers = 0;
        Span<byte> text = stackalloc byte[GoNumber.MaxBytes];
        foreach (var file in Directory.GetFiles(Folder("reference"), "metrics*.txt"))
        {
            foreach (var line in File.ReadLines(file).Where(l => l.Length > 0 && l[0] != '#'))
            {
                var token = line[(line.LastIndexOf(' ') + 1)..];
                var name = line.Split('{', ' ')[0];
                if (name.EndsWith("_bucket", StringComparison.Ordinal) || name.EndsWith("_count", StringComparison.Ordinal))
                {
                    continue;
                }

                numbers++;
                Assert.Equal(token, Encoding.ASCII.GetString(text[..GoNumber.Format(double.Parse(token, CultureInfo.InvariantCulture), text)]));
            }
        }

        Assert.True(numbers > 100);
    }

    private static void Compare(Exposition reference, Exposition ours)
    {
        foreach (var (name, family) in ours.Families.Where(f => !f.Key.StartsWith("epp_", StringComparison.Ordinal) && !NotRecorded.Any(n => f.Key.Contains(n, StringComparison.Ordinal))))
        {
            Assert.True(reference.Families.TryGetValue(name, out var expected), $"the reference has no family {name}");
            Assert.Equal((name, expected!.Help, expected.Type), (name, family.Help, family.Type));
            Assert.Equal(expected.Labels, family.Labels);
            Assert.Equal(expected.Bounds, family.Bounds);
        }
    }

    private static Exposition Reference(string file) => Exposition.Read(File.ReadAllText(Folder(file)));

    private static string Folder(string relative)
    {
        var root = Environment.GetEnvironmentVariable("EPP_TRANSCRIPTS");
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); root is null && folder is not null; folder = folder.Parent)
        {
            root = File.Exists(Path.Combine(folder.FullName, "Epp.slnx")) ? Path.Combine(folder.Parent?.FullName ?? "", "shared", "data", "transcripts") : null;
        }

        var path = Path.Combine(root ?? "", relative);
        Skip.IfNot(File.Exists(path) || Directory.Exists(path), $"recordings not found ({relative}): set EPP_TRANSCRIPTS or put shared/data/transcripts beside the repository");
        return path;
    }
}
