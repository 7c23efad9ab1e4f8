using System.Text.RegularExpressions;
using Epp.Aot.Cli;
using Epp.Testing;

namespace Epp.Aot.Tests.Cli;

/// <summary>Every flag in the help texts of both references is accepted, with its type and default.</summary>
[Trait("Category", "Golden")]
public sealed partial class ReferenceFlagsTests
{
    /// <summary>Defaults that differ on purpose.</summary>
    private static readonly Dictionary<string, string> OtherDefaults = new()
    {
        // The reference leaves gRPC's 4 MiB; Envoy may send more in one message.
        ["grpc-max-recv-msg-size"] = "16MiB",
    };

    /// <summary><c>      --name type   text (default x)</c>, <c>  -v, --v int   text</c>, or Go's <c>  -name type</c> with the text below.</summary>
    [GeneratedRegex(@"^ +(?:-\w, )?--?([a-z][a-z0-9-]*)(?: ([^\s]+))?(?: {2,}(.*)|\n[ \t]+(.*))?$", RegexOptions.Multiline)]
    private static partial Regex FlagLine { get; }

    [GeneratedRegex(@"\(default ""?([^""()]*)""?\)$")]
    private static partial Regex Default { get; }

    [SkippableTheory]
    [InlineData("help.txt", 38)]
    [InlineData("help-gaie-1.2.1.txt", 35)]
    public void EveryFlagOfTheReference_IsKnownWithTypeAndDefault(string file, int atLeast)
    {
        var path = Path.Combine(Golden.Require(".."), "transcripts", "reference", file);
        Skip.IfNot(File.Exists(path), "the recorded help texts are not beside the golden data");
        var known = EppFlags.All.ToDictionary(f => f.Name);
        var matches = FlagLine.Matches(File.ReadAllText(path)).ToList();
        Assert.True(matches.Count >= atLeast, $"{matches.Count} flags found in {file}");
        foreach (var match in matches)
        {
            var (name, type, text) = (match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value + match.Groups[4].Value);
            Assert.True(known.TryGetValue(name, out var flag), $"--{name} of {file} is unknown");
            Assert.True(Types(type).Contains(flag.Type), $"--{name}: the reference says '{type}', the code {flag.Type}");
            var expected = OtherDefaults.GetValueOrDefault(name) ?? (Default.Match(text) is { Success: true } found ? found.Groups[1].Value : flag.Type == FlagType.Bool ? "false" : flag.Type == FlagType.Int ? "0" : "");
            Assert.True(expected == flag.Default, $"--{name}: default '{flag.Default}', expected '{expected}'");
            AssertAccepted(flag);
        }
    }

    private static void AssertAccepted(Flag flag)
    {
        var value = flag.Type switch { FlagType.Bool => "true", FlagType.Int => "1", FlagType.Duration => "1s", FlagType.Quantity => "1MiB", FlagType.Ints => "1,2", _ => "x" };
        string[][] spellings = flag.Type == FlagType.Bool
            ? [[$"--{flag.Name}"], [$"-{flag.Name}=true"]]
            : [[$"--{flag.Name}={value}"], [$"--{flag.Name}", value], [$"-{flag.Name}", value]];
        foreach (var args in spellings)
        {
            var flags = new FlagSet(EppFlags.All);
            flags.Parse(args);
            Assert.Empty(flags.Errors);
            Assert.Equal(value, flags.Text(flag.Name));
            Assert.Equal(flag.WithoutEffect is not null && value != flag.Default ? 1 : 0, flags.Warnings.Count);
        }
    }

    private static FlagType[] Types(string type) => type switch
    {
        "" => [FlagType.Bool],
        "int" => [FlagType.Int],
        "duration" => [FlagType.Duration],
        "ints" => [FlagType.Ints],
        "strings" => [FlagType.Strings],
        // GAIE's list of ports is a string; sizes are strings in llm-d.
        _ => [FlagType.String, FlagType.Quantity, FlagType.Ints],
    };
}
