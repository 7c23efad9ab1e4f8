using System.Text.RegularExpressions;
using Epp.Aot.Cli;
using Epp.Testing;

namespace Epp.Aot.Tests.Cli;

/// <summary>What stops the recorded reference from starting stops this program too, with a text that says where and what to do.</summary>
[Trait("Category", "Golden")]
public sealed partial class StartupErrorTests
{
    /// <summary>By the recording's title: what our text says.</summary>
    private static readonly Dictionary<string, string> Refused = new()
    {
        ["unknown flag"] = "unknown flag: --no-such-flag, see --help",
        ["neither pool name nor selector, file discovery config"] = "either --pool-name or --endpoint-selector must be set",
        ["config-file and config-text"] = "--config-file and --config-text exclude each other: give one of them",
        ["missing config file"] = "none.yaml: cannot read the configuration: ",
        ["unknown config field"] = "--config-text:1:101: noSuchField: unknown key; expected one of apiVersion, ",
        ["unknown plugin type"] = "plugins[0].type: unknown plugin type 'no-such'",
        ["unknown plugin parameter"] = "plugins[0].parameters.lruCapacityPerServer: unknown key (llm-d has it on a plugin of type 'approx-prefix-cache-producer')",
        ["unknown feature gate"] = "featureGates[0]: found 'noSuch', expected one of flowControl, haPopulateNonLeaderDatastore",
        ["experimental plugin without the flag"] = "plugin type 'session-affinity-scorer', experimental (line 1)",
    };

    /// <summary>By the recording's title: why this program starts, or where it stops later.</summary>
    private static readonly Dictionary<string, string> NotHere = new()
    {
        ["single dash"] = "GAIE's charts may write one dash; one parser reads both dialects",
        ["deprecated metric flag"] = "GAIE's charts set it; accepted with a warning in llm-d's dialect",
        ["removed flag model-server-metrics-port"] = "as above",
        ["kubeconfig flag"] = "GAIE's flag",
        ["no Kubernetes and no discovery plugin"] = "found by the Kubernetes client",
        ["endpoints file: host name"] = "found when the endpoints are loaded (EndpointsFileTests)",
        ["endpoints file: IPv6"] = "IPv6 is supported",
        ["endpoints file: numeric port"] = "a port may be a number",
        ["GAIE inline saturationDetector"] = "GAIE's shape belongs to this apiVersion",
    };

    [GeneratedRegex(@"^### (.*)\nargs: ([\s\S]*?)\nexit code: (\d+)$", RegexOptions.Multiline)]
    private static partial Regex Recording { get; }

    [SkippableFact]
    public void EveryRecordedStart_IsRefusedLikewise_OrDiffersForAReason()
    {
        var path = Path.Combine(Golden.Require(".."), "transcripts", "reference", "startup-errors.txt");
        Skip.IfNot(File.Exists(path), "the recorded start-up errors are not beside the golden data");
        var folder = Directory.CreateTempSubdirectory("epp-starts");
        try
        {
            foreach (var name in (string[])["c0", "c-bad1", "c-bad2", "c-bad3", "c-ok4"])
            {
                File.WriteAllText(Path.Combine(folder.FullName, name + ".yaml"), """
                    apiVersion: llm-d.ai/v1alpha1
                    kind: EndpointPickerConfig
                    plugins: [{type: file-discovery, parameters: {path: e.yaml}}, {type: queue-scorer}]
                    dataLayer: {discovery: {pluginRef: file-discovery}}
                    """);
            }

            var recordings = Recording.Matches(File.ReadAllText(path));
            Assert.True(recordings.Count >= Refused.Count + NotHere.Count);
            Assert.All(recordings, r => Check(r.Groups[1].Value, Arguments(r.Groups[2].Value.Replace("run/", folder.FullName + "/", StringComparison.Ordinal)), int.Parse(r.Groups[3].Value, null)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Check(string title, string[] args, int exitCode)
    {
        var flags = new FlagSet(EppFlags.All);
        // The recording of the single dash has no pool name, which is an error of its own.
        flags.Parse(NotHere.ContainsKey(title) ? ["--pool-name=p", .. args] : args);
        var start = StartConfiguration.Read(flags, static _ => null);
        var errors = string.Join('\n', start.Errors);
        if (exitCode == 124 || NotHere.ContainsKey(title))
        {
            Assert.True(start.Config is not null, $"{title}: refused with {errors}");
            return;
        }

        Assert.True(Refused.TryGetValue(title, out var text), $"no expectation for '{title}'; our answer: {errors}");
        Assert.Equal((title, exitCode), (title, start.ExitCode));
        Assert.Contains(text, errors, StringComparison.Ordinal);
    }

    /// <summary>The recording joins arguments with blanks: a new one begins where a dash and a letter follow one.</summary>
    private static string[] Arguments(string text) =>
        [.. Regex.Split(text.TrimEnd(' '), " (?=--?[a-z])").SelectMany(a => a.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries))];
}
