using System.Text.RegularExpressions;
using Epp.Aot.Configuration;

namespace Epp.Aot.Tests.Architecture;

/// <summary>docs/acceptance.md maps every numbered case to tests that exist.</summary>
[Trait("Category", "Unit")]
public sealed partial class AcceptanceTests
{
    private const int Cases = 44;

    private static readonly Dictionary<int, string> Rows = Repository.Lines("docs/acceptance.md").Select(l => Row().Match(l)).Where(m => m.Success)
        .ToDictionary(m => int.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture), m => m.Groups[2].Value);

    private static readonly string[] Sources = [.. Repository.Files("tests", ".cs")];

    [Fact]
    public void EveryCase_HasARowWithTestsThatExist()
    {
        Assert.Equal(Enumerable.Range(1, Cases), Rows.Keys.Order());
        Assert.All(Rows, row =>
        {
            var tests = Test().Matches(row.Value);
            Assert.True(tests.Count > 0 || Waits().IsMatch(row.Value), $"case {row.Key} has no test");
            Assert.All(tests, t =>
            {
                var file = Sources.SingleOrDefault(f => Path.GetFileName(f) == t.Groups[1].Value + ".cs");
                Assert.True(file is not null, $"case {row.Key}: no file {t.Groups[1].Value}.cs");
                Assert.Contains(Repository.Lines(file), l => l.Contains($" {t.Groups[2].Value}(", StringComparison.Ordinal));
            });
        });
    }

    [Fact]
    public void EveryTestNamedAfterACase_StandsInItsRow()
    {
        var named = 0;
        foreach (var file in Sources)
        {
            foreach (var method in Repository.Lines(file).Select(l => Named().Match(l)).Where(m => m.Success))
            {
                foreach (var number in method.Groups[2].Value.Split('_', StringSplitOptions.RemoveEmptyEntries))
                {
                    named++;
                    Assert.Contains($"{Path.GetFileNameWithoutExtension(file)}.{method.Groups[1].Value}`", Rows[int.Parse(number, System.Globalization.CultureInfo.InvariantCulture)], StringComparison.Ordinal);
                }
            }
        }

        Assert.True(named > 40);
    }

    /// <summary>A row may wait only for what this version refuses by name.</summary>
    [Fact]
    public void WaitingRows_NameWhatIsNotBuilt() => Assert.All(Rows, row =>
    {
        foreach (var name in Waits().Matches(row.Value).Select(m => m.Groups[1].Value))
        {
            Assert.True(UnbuiltPlugins.All.ContainsKey(name), $"case {row.Key} waits for {name}, which is built");
        }
    });

    [GeneratedRegex(@"^\| (\d+) \| [^|]+ \| (.+) \|$")]
    private static partial Regex Row();

    [GeneratedRegex(@"`(\w+)\.(\w+)`")]
    private static partial Regex Test();

    [GeneratedRegex(@"waits for `([\w-]+)`")]
    private static partial Regex Waits();

    [GeneratedRegex(@"public (?:async )?(?:Task|void) (Case((?:\d\d_)+)[A-Za-z]\w*)\(")]
    private static partial Regex Named();
}
