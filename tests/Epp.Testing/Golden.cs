using Xunit;

namespace Epp.Testing;

/// <summary>Golden data beside the repository: env <c>EPP_GOLDEN</c>, else <c>../shared/data/golden</c> beside the repository's root.</summary>
public static class Golden
{
    /// <summary>The folder, or null where it is absent.</summary>
    public static string? Folder { get; } = Find();

    /// <summary>The path of a file of it; skips the test where the folder is absent.</summary>
    public static string Require(string relative)
    {
        Skip.If(Folder is null, "golden data is absent: set EPP_GOLDEN, or put it into ../shared/data/golden beside the repository");
        return Path.Combine(Folder!, relative);
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("EPP_GOLDEN") is { Length: > 0 } given)
        {
            return Directory.Exists(given) ? given : null;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Epp.slnx")) && folder.Parent is { } parent)
            {
                var golden = Path.Combine(parent.FullName, "shared", "data", "golden");
                return Directory.Exists(golden) ? golden : null;
            }
        }

        return null;
    }
}
