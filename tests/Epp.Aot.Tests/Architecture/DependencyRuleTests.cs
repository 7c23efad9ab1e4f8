using System.Reflection;
using System.Text.RegularExpressions;

namespace Epp.Aot.Tests.Architecture;

/// <summary>Epp.Hashing &lt;- Epp.Native &lt;- Epp.Aot, and inside Epp.Aot no folder leans on its neighbour (docs/architecture.md).</summary>
[Trait("Category", "Unit")]
public sealed partial class DependencyRuleTests
{
    // What the decision core must never see: logging, DI, configuration, hosting, web, sockets, HTTP, processes, files watched.
    static readonly string[] ForbiddenInCore =
    [
        "Microsoft.Extensions", "Microsoft.AspNetCore", "System.Net", "System.IO.Pipelines", "System.IO.Pipes",
        "System.Diagnostics.Process", "System.IO.FileSystem.Watcher", "System.Security.Cryptography.X509Certificates", "YamlDotNet",
    ];

    // Open to every folder: instruments, spans and log messages, configuration records, gRPC framing, well-known process state.
    static readonly string[] SharedFolders = ["Telemetry", "Tracing", "Configuration"];

    // A use of a neighbour that is part of the design; anything else goes through Program.cs or a type of Epp.Native.
    static readonly (string From, string To)[] Allowed =
    [
        // Every service speaks gRPC through the one framing layer.
        ("ExtProc", "Grpc"),
        // The body-based router is a second ext_proc service: same wire, headers, limits and refusals; it watches ConfigMaps.
        ("Bbr", "Grpc"),
        ("Bbr", "ExtProc"),
        ("Bbr", "Kubernetes"),
        ("Cli", "Bbr"),
        // An exchange waits for its turn, and may be evicted.
        ("ExtProc", "FlowControl"),
        // Hosting composes listeners, health and shutdown for what Program.cs hands it.
        ("Hosting", "Grpc"),
        ("Hosting", "ExtProc"),
        ("Hosting", "Scraping"),
        ("Hosting", "FlowControl"),
        ("Hosting", "Cli"),
        ("Hosting", "Debugging"),
        ("Hosting", "KvEvents"),
        ("Hosting", "Models"),
        // The debug page shows the flags in force.
        ("Debugging", "Cli"),
        ("Hosting", "Discovery"),
        ("Hosting", "Kubernetes"),
        // Discovery watches what the client of the API streams.
        ("Discovery", "Kubernetes"),
        // A model's directory is read by whoever needs its tokenizer.
        ("Cli", "Models"),
        // Flags end in configuration records.
        ("Configuration", "Cli"),
    ];

    [GeneratedRegex(@"^\s*(?:global\s+)?using\s+(?:static\s+)?(?:\w+\s*=\s*)?(Epp\.Aot(?:\.\w+)*)")]
    private static partial Regex UsingLine { get; }

    [Fact]
    public void Hashing_Assembly_UsesTheBaseLibraryOnly()
    {
        var references = References("Epp.Hashing");
        Assert.All(references, static name => Assert.True(name.StartsWith("System.", StringComparison.Ordinal), $"Epp.Hashing references {name}; it may use the base library only"));
        Assert.DoesNotContain(references, static name => ForbiddenInCore.Any(f => name.StartsWith(f, StringComparison.Ordinal)));
    }

    [Fact]
    public void Native_Assembly_WaitsForNothing()
    {
        // Addresses are values, not sockets: System.Net.Primitives is fine.
        var forbidden = References("Epp.Native").Where(static name => name != "System.Net.Primitives" && ForbiddenInCore.Any(f => name.StartsWith(f, StringComparison.Ordinal)));
        Assert.True(!forbidden.Any(), $"Epp.Native references {string.Join(", ", forbidden)}; move that code to Epp.Aot and pass its result in");
    }

    [Fact]
    public void Core_Sources_HaveNoAsyncClockOrEnvironment()
    {
        // Stopwatch ticks are fine: they measure how long a plugin took and tell no time.
        string[] words = ["async ", "await ", "Environment.GetEnvironmentVariable", "TimeProvider", "DateTime.UtcNow", "File.", "Console."];
        var found = from file in Repository.Files("src/Epp.Hashing", ".cs").Concat(Repository.Files("src/Epp.Native", ".cs"))
                    from line in Repository.Lines(file).Select(static (text, i) => (Text: text, Number: i + 1))
                    where !line.Text.TrimStart().StartsWith("//", StringComparison.Ordinal)
                    from word in words
                    where line.Text.Contains(word, StringComparison.Ordinal)
                    select $"{file}:{line.Number} uses {word.Trim()}";
        Assert.Empty(found);
    }

    [Fact]
    public void AotFolders_DoNotUseEachOther()
    {
        var found = from file in Repository.Files("src/Epp.Aot", ".cs")
                    let folder = FolderOf(file)
                    where folder is not null
                    from line in Repository.Lines(file)
                    let match = UsingLine.Match(line)
                    where match.Success
                    let target = match.Groups[1].Value.Split('.').ElementAtOrDefault(2)
                    where target is not null && target != folder && !SharedFolders.Contains(target) && !Allowed.Contains((folder, target))
                    select $"{file} uses Epp.Aot.{target}";
        Assert.Empty(found.Distinct());
    }

    [Fact]
    public void Projects_ReferenceOnlyDownwards()
    {
        Assert.DoesNotContain("ProjectReference", string.Concat(Repository.Lines("src/Epp.Hashing/Epp.Hashing.csproj")), StringComparison.Ordinal);
        var native = Repository.Lines("src/Epp.Native/Epp.Native.csproj").Where(static l => l.Contains("ProjectReference", StringComparison.Ordinal));
        Assert.Contains("Epp.Hashing.csproj", Assert.Single(native), StringComparison.Ordinal);
    }

    [Fact]
    public void UnsafeBlocks_AreAllowedInNativeOnly()
    {
        var projects = Repository.Files("src", ".csproj").Where(static p => string.Concat(Repository.Lines(p)).Contains("AllowUnsafeBlocks", StringComparison.Ordinal));
        Assert.Equal(["src/Epp.Native/Epp.Native.csproj"], projects);
    }

    static string? FolderOf(string file) => file.Split('/') is [_, _, var folder, _, ..] ? folder : null;

    static string[] References(string assembly) =>
        [.. Assembly.Load(assembly).GetReferencedAssemblies().Select(static name => name.Name!).Order(StringComparer.Ordinal)];
}
