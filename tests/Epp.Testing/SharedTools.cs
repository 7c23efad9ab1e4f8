using System.Diagnostics;
using Xunit;

namespace Epp.Testing;

/// <summary>
/// Programs and data of the shared folder beside the repository (<c>EPP_SHARED</c>, else <c>../shared</c>), and programs of the system.
/// A test that needs one is skipped, with the reason, where it is absent.
/// </summary>
public static class SharedTools
{
    private static readonly TimeSpan UnpackLimit = TimeSpan.FromMinutes(3);

    /// <summary>The repository's root; null when the tests run outside of one.</summary>
    public static string? Repository { get; } = FindRepository();

    /// <summary>The shared folder; null where there is none.</summary>
    public static string? Folder { get; } = FindShared();

    /// <summary>Unpacks a tool with the folder's <c>get</c> and returns the path of the executable.</summary>
    public static string Require(string tool)
    {
        Skip.If(Folder is null, $"No shared folder beside the repository: {tool} is not available (set EPP_SHARED).");
        var get = Path.Combine(Folder!, "tools", "get");
        Skip.IfNot(File.Exists(get), $"{get} does not exist: {tool} is not available.");
        var (code, output, errors) = Run(get, [tool], UnpackLimit);
        Assert.True(code == 0, $"{get} {tool} ended with {code}: {errors}");
        return output.Trim();
    }

    /// <summary>The path of a file or folder below <c>data</c>.</summary>
    public static string RequireData(string relative)
    {
        Skip.If(Folder is null, $"No shared folder beside the repository: data/{relative} is not available (set EPP_SHARED).");
        var path = Path.Combine(Folder!, "data", relative);
        Skip.IfNot(File.Exists(path) || Directory.Exists(path), $"{path} does not exist.");
        return path;
    }

    /// <summary>
    /// A program on the search path. Absent: the test is skipped, or fails where <c>EPP_REQUIRE_TOOLS=1</c> says that all are installed.
    /// </summary>
    public static string RequireProgram(string program, string debianPackage)
    {
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var path = Path.Combine(folder, program);
            if (File.Exists(path))
            {
                return path;
            }
        }

        var reason = $"{program} is not installed (Debian package {debianPackage}).";
        Assert.False(Environment.GetEnvironmentVariable("EPP_REQUIRE_TOOLS") == "1", reason);
        Skip.If(true, reason);
        return "";
    }

    /// <summary>Runs a program to its end, killing it with its children at the limit.</summary>
    public static (int ExitCode, string Output, string Errors) Run(
        string program, IReadOnlyList<string> arguments, TimeSpan limit, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[key] = value;
        }

        using var process = ChildProcesses.Start(start);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(limit))
        {
            ChildProcesses.Kill(process);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {limit.TotalSeconds:0} s.");
        }

        return (process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    private static string? FindRepository()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(at, "Epp.slnx")))
            {
                return at;
            }
        }

        return null;
    }

    private static string? FindShared()
    {
        var folder = Environment.GetEnvironmentVariable("EPP_SHARED");
        if (string.IsNullOrEmpty(folder) && Repository is not null)
        {
            folder = Path.Combine(Repository, "..", "shared");
        }

        return Directory.Exists(folder) ? Path.GetFullPath(folder) : null;
    }
}
