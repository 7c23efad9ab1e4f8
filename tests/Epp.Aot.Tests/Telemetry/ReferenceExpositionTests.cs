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
        foreach (var (name, family) in Reference("reference/metrics-extras.txt").Families)
        {
            reference.Families.TryAdd(name, family);
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
        foreach (var (name, family) in ours.Families.Where(f => !f.Key.StartsWith("epp_", StringComparison.Ordinal)))
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
