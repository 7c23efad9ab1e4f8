using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Epp.Aot.Tests.Architecture;

/// <summary>Rules about the tree itself that no compiler checks.</summary>
[Trait("Category", "Unit")]
public sealed partial class RepositoryRulesTests
{
    static readonly string[] TextFiles = [".cs", ".csproj", ".props", ".targets", ".md", ".sh", ".yaml", ".yml", ".json", ".xml", ".txt", ".proto", ".slnx", ".distroless", ".editorconfig", ".gitignore", ""];

    // An absolute path of somebody's machine: /work, /home/NAME, /Users/NAME, /root. Paths inside the image and the system are fine.
    [GeneratedRegex(@"(?<![\w./$\}~-])/(?:work|Users/\w+|home/(?!nonroot\b)\w+|root)/(?!nologin)\w")]
    private static partial Regex MachinePath { get; }

    [GeneratedRegex(@"https?://(?!127\.0\.0\.1|localhost|\[)[\w.-]+:\d{4,5}|\b(?:nexus|artifactory)\b", RegexOptions.IgnoreCase)]
    private static partial Regex PrivateHost { get; }

    // Marks of unfinished work. Built from halves so that this file does not match itself.
    static readonly string[] Unfinished = ["TO" + "DO", "FIX" + "ME", "HA" + "CK", "NotImplemented" + "Exception", "#reg" + "ion", "UnconditionalSuppress" + "Message"];

    [Fact]
    public void RuntimeDirectives_AreEmpty()
    {
        var root = XDocument.Load(Path.Combine(Repository.Root, "rd.xml")).Root!;
        var application = Assert.Single(root.Elements());
        Assert.Equal("Application", application.Name.LocalName);
        Assert.True(!application.HasElements, "rd.xml has an entry: it needs a failing end-to-end test, a comment that names it, and [DynamicDependency] tried first");
    }

    [Fact]
    public void RuntimeDirectives_AreWired() =>
        Assert.Contains(Repository.Lines("src/Epp.Aot/Epp.Aot.csproj"), static line => line.Contains("RdXmlFile", StringComparison.Ordinal));

    [Fact]
    public void PackageVersions_StandInDirectoryPackagesPropsOnly()
    {
        var found = from project in Repository.Files(".", ".csproj", ".props", ".targets")
                    where Path.GetFileName(project) != "Directory.Packages.props"
                    from reference in XDocument.Load(Path.Combine(Repository.Root, project)).Descendants()
                    where reference.Name.LocalName == "PackageReference"
                        && (reference.Attribute("Version") is not null || reference.Attribute("VersionOverride") is not null || reference.Elements().Any(static e => e.Name.LocalName == "Version"))
                    select $"{project}: {reference.Attribute("Include")?.Value} carries its own version; move it to Directory.Packages.props";
        Assert.Empty(found);
    }

    [Fact]
    public void Tree_NamesNoMachine()
    {
        var found = from file in Repository.Files(".", TextFiles)
                    where !file.EndsWith("RepositoryRulesTests.cs", StringComparison.Ordinal)
                    from line in Repository.Lines(file).Select(static (text, i) => (Text: text, Number: i + 1))
                    where MachinePath.IsMatch(line.Text) || PrivateHost.IsMatch(line.Text)
                    select $"{file}:{line.Number}: {line.Text.Trim()}";
        Assert.Empty(found);
    }

    [Theory]
    [InlineData("cd /wo" + "rk/main", true)]
    [InlineData("see /home/alice/notes", true)]
    [InlineData("HOME=/home/nonroot/x", false)]
    [InlineData("../shared/wo" + "rk/x", false)]
    [InlineData("https://docs/root/path", false)]
    public void MachinePath_FindsAbsolutePathsOfPeople(string line, bool expected) => Assert.Equal(expected, MachinePath.IsMatch(line));

    [Fact]
    public void Sources_HoldNothingUnfinished()
    {
        var found = from file in Repository.Files("src", ".cs").Concat(Repository.Files("tests", ".cs")).Concat(Repository.Files("bench", ".cs"))
                    from line in Repository.Lines(file).Select(static (text, i) => (Text: text, Number: i + 1))
                    from mark in Unfinished
                    where line.Text.Contains(mark, StringComparison.Ordinal)
                    select $"{file}:{line.Number}: {mark}";
        Assert.Empty(found);
    }

    [Fact]
    public void MakeVerbs_AreAllExplained()
    {
        var makefile = Repository.Lines("Makefile");
        var phony = makefile.First(static l => l.StartsWith(".PHONY:", StringComparison.Ordinal))[7..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(phony, verb => Assert.Contains(makefile, line => line.StartsWith(verb + ":", StringComparison.Ordinal) && line.Contains("## ", StringComparison.Ordinal)));
    }
}
