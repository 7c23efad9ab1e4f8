namespace Epp.Aot.Tests.Architecture;

/// <summary>The checkout these tests were built from, and its own files (nothing generated).</summary>
internal static class Repository
{
    static readonly HashSet<string> Generated = new(StringComparer.Ordinal) { "bin", "obj", "artifacts", "TestResults", ".git", "BenchmarkDotNet.Artifacts" };

    public static string Root { get; } = FindRoot();

    /// <summary>Files with one of the extensions under a folder of the repository, as paths relative to its root.</summary>
    public static IEnumerable<string> Files(string folder, params string[] extensions) =>
        Walk(new DirectoryInfo(Path.Combine(Root, folder)))
            .Where(file => extensions.Length == 0 || extensions.Contains(file.Extension))
            .Select(static file => Path.GetRelativePath(Root, file.FullName).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);

    public static string[] Lines(string file) => File.ReadAllLines(Path.Combine(Root, file));

    static IEnumerable<FileInfo> Walk(DirectoryInfo folder) => !folder.Exists
        ? []
        : folder.EnumerateFiles().Concat(folder.EnumerateDirectories().Where(static d => !Generated.Contains(d.Name)).SelectMany(Walk));

    static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Epp.slnx")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName ?? throw new InvalidOperationException($"no Epp.slnx above {AppContext.BaseDirectory}: run the tests from a checkout");
    }
}
