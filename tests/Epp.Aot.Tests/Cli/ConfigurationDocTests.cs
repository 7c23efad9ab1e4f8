using System.Text;
using System.Text.RegularExpressions;
using Epp.Aot.Cli;
using Epp.Aot.Configuration;
using Epp.Aot.Tests.Architecture;

namespace Epp.Aot.Tests.Cli;

/// <summary>The pages for operators name what the code has, and nothing else.</summary>
[Trait("Category", "Unit")]
public sealed class ConfigurationDocTests
{
    private static readonly string[][] Rows =
        [.. Repository.Lines("docs/configuration.md").Where(l => l.StartsWith("| `", StringComparison.Ordinal)).Select(l => l.Split(" | ").Select(c => c.Trim('|', ' ')).ToArray())];

    [Fact]
    public void Flags_NamesTypesAndDefaults_AreThoseOfTheCode()
    {
        var documented = Rows.Where(r => r[0].StartsWith("`-", StringComparison.Ordinal)).Select(r => (r[0].Trim('`').TrimStart('-'), r[1], r[2].Trim('`')));
        Assert.Equal(EppFlags.All.Select(f => (f.Name, f.Type.ToString().ToLowerInvariant(), f.Default)), documented);
    }

    [Fact]
    public void PluginTypes_AndTheirKinds_AreThoseOfTheCatalog()
    {
        var documented = Rows.Where(r => PluginCatalog.Built.ContainsKey(r[0].Trim('`'))).Select(r => (r[0].Trim('`'), r[1].Replace(" ", "", StringComparison.Ordinal)));
        var built = PluginCatalog.Built.Select(p => (p.Key, p.Value.ToString().ToLowerInvariant()));
        Assert.Equal(built.Order(), documented.Order());
    }

    [Fact]
    public void Scorers_EveryPolicy_HasASection()
    {
        var sections = Repository.Lines("docs/scorers.md").Where(l => l.StartsWith("## ", StringComparison.Ordinal)).Select(l => l[3..]);
        var policies = PluginCatalog.Built.Where(p => p.Value is PluginKind.Filter or PluginKind.Scorer or PluginKind.Picker or PluginKind.Producer or PluginKind.SaturationDetector).Select(p => p.Key);
        Assert.Equal(policies.Order(), sections.Order());
    }

    [Theory]
    [InlineData("docs/scorers.md", 7)]
    [InlineData("docs/flow-control.md", 1)]
    [InlineData("README.md", 1)]
    public void Examples_OfConfigurations_Load(string page, int examples)
    {
        var text = string.Join('\n', Repository.Lines(page));
        var found = Regex.Matches(text, "```yaml\n(apiVersion:.*?)```", RegexOptions.Singleline);
        Assert.Equal(examples, found.Count);
        Assert.All(found, m => Assert.Empty(EppConfigLoader.Load(Encoding.UTF8.GetBytes(m.Groups[1].Value), page, allowExperimental: true).Errors));
    }
}
