using Xunit;

namespace Epp.Testing;

/// <summary>Recorded data of real engines and pickers, kept outside the repository; tests skip where it is absent.</summary>
public static class Golden
{
    /// <summary>Folder named by <c>EPP_GOLDEN</c>, else <c>shared/data/golden</c> beside the repository; null where neither exists.</summary>
    public static string? Folder { get; } = Find();

    /// <summary>Path of a file or folder in <see cref="Folder"/>; skips the test where it is absent.</summary>
    public static string Require(string relative)
    {
        Skip.If(Folder is null, "golden data not found: set EPP_GOLDEN or put shared/data/golden beside the repository");
        var path = Path.Combine(Folder!, relative);
        Skip.IfNot(File.Exists(path) || Directory.Exists(path), $"golden data lacks {relative}");
        return path;
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("EPP_GOLDEN") is { Length: > 0 } set)
        {
            return Directory.Exists(set) ? set : null;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Epp.slnx")))
            {
                var beside = Path.Combine(folder.Parent?.FullName ?? "", "shared", "data", "golden");
                return Directory.Exists(beside) ? beside : null;
            }
        }

        return null;
    }
}
