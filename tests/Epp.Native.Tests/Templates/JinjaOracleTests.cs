using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Epp.Testing;

namespace Epp.Native.Tests.Templates;

/// <summary>
/// Random templates over random contexts, against Python's jinja2. A long run: <c>EPP_FUZZ_SEED=7 EPP_FUZZ_COUNT=100000 dotnet test
/// tests/Epp.Native.Tests --filter JinjaOracleTests</c>; without the variables 300 templates of seed 1. <c>EPP_FUZZ_FILE</c> names what
/// the oracle printed before instead.
/// </summary>
[Trait("Category", "Unit")]
public sealed class JinjaOracleTests
{
    [SkippableFact]
    public void Render_RandomTemplates_EqualPython()
    {
        var seed = Variable("EPP_FUZZ_SEED", 1);
        var count = Variable("EPP_FUZZ_COUNT", 300);
        var recorded = Environment.GetEnvironmentVariable("EPP_FUZZ_FILE");
        var lines = recorded is null
            ? Oracle("fuzz", seed.ToString(CultureInfo.InvariantCulture), count.ToString(CultureInfo.InvariantCulture))
            : File.ReadLines(recorded).Where(static line => line.EndsWith('}'));
        AssertEqual(lines);
    }

    /// <summary>Case and classes of every character that Python knows, and of words whose sigmas have two forms.</summary>
    [SkippableFact]
    public void Render_EveryCharacter_EqualsPython() => AssertEqual(Oracle("characters"));

    /// <summary>
    /// Templates below the folder that <c>EPP_TEMPLATES</c> names, each over <c>EPP_FUZZ_COUNT</c> random conversations (default 40): templates in
    /// the field are others' and stay outside the repository. Without the variable our own.
    /// </summary>
    [SkippableFact]
    public void Render_FolderOfTemplates_EqualsPython()
    {
        var folder = Environment.GetEnvironmentVariable("EPP_TEMPLATES");
        folder = string.IsNullOrEmpty(folder) ? OwnGoldenTests.Folder : folder;
        var count = Variable("EPP_FUZZ_COUNT", 40).ToString(CultureInfo.InvariantCulture);
        AssertEqual(Oracle("folder", folder, Variable("EPP_FUZZ_SEED", 1).ToString(CultureInfo.InvariantCulture), count));
    }

    private static void AssertEqual(IEnumerable<string> lines)
    {
        var mismatches = new Mismatches();
        foreach (var line in lines)
        {
            using var row = JsonDocument.Parse(line);
            var template = row.RootElement.GetProperty("template").GetString()!;
            var expected = row.RootElement.TryGetProperty("prompt", out var prompt) ? prompt.GetString() : null;
            var error = row.RootElement.TryGetProperty("error", out var e) ? e.GetString() : null;
            var context = row.RootElement.GetProperty("context").GetRawText();
            var actual = Rendering.Of(template, context);
            mismatches.Check($"{row.RootElement.GetProperty("name")} {template.Replace("\n", "\\n", StringComparison.Ordinal)}\n  context: {context}", expected, actual, error);
        }

        mismatches.AssertNone();
    }

    private static int Variable(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    private static IEnumerable<string> Oracle(params string[] arguments)
    {
        var python = SharedTools.RequireProgram("python3", "python3-jinja2");
        Skip.If(SharedTools.Repository is null, "The oracle's script lies in the repository.");
        python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : python;
        var script = Path.Combine(SharedTools.Repository!, "tests", "Epp.Native.Tests", "Templates", "jinja-oracle.py");
        var (found, _, _) = SharedTools.Run(python, ["-c", "import jinja2"], TimeSpan.FromMinutes(1));
        if (found != 0)
        {
            Assert.False(Environment.GetEnvironmentVariable("EPP_REQUIRE_TOOLS") == "1", "python3-jinja2 is not installed");
            Skip.If(true, "python3-jinja2 is not installed (Debian package).");
        }

        using var process = Process.Start(new ProcessStartInfo(python, [script, .. arguments]) { RedirectStandardOutput = true })!;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            yield return line;
        }

        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
