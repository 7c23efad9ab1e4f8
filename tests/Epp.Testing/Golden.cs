using Xunit;

namespace Epp.Testing;

/// <summary>The folder of golden data: <c>EPP_GOLDEN</c>, else <c>shared/data/golden</c> beside the repository.</summary>
public static class Golden
{
    /// <summary>The folder; null where there is none.</summary>
    public static string? Folder { get; } = Find();

    /// <summary>The path of a file or folder in it; skips the test where it is absent.</summary>
    public static string Require(string relative)
    {
        Skip.If(Folder is null, "No golden data: set EPP_GOLDEN to its folder.");
        var path = Path.Combine(Folder!, relative);
        Skip.IfNot(File.Exists(path) || Directory.Exists(path), $"Golden data has no {relative}.");
        return path;
    }

    private static string? Find()
    {
        var folder = Environment.GetEnvironmentVariable("EPP_GOLDEN");
        for (var at = AppContext.BaseDirectory; string.IsNullOrEmpty(folder) && at is not null; at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(at, "Epp.slnx")))
            {
                folder = Path.Combine(at, "..", "shared", "data", "golden");
            }
        }

        return Directory.Exists(folder) ? Path.GetFullPath(folder) : null;
    }
}
