namespace Epp.Testing;

/// <summary>
/// Programs that tests call and that Debian carries. A missing one skips the test with the package to install;
/// with EPP_REQUIRE_TOOLS=1 (CI) it fails instead.
/// </summary>
public static class DebianTool
{
    /// <summary>Absolute path of <paramref name="program"/>, or a skip (a failure in CI) that names <paramref name="package"/>.</summary>
    public static string Require(string program, string package)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Concat(["/usr/sbin", "/sbin"])
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);
        if (path is null && Environment.GetEnvironmentVariable("EPP_REQUIRE_TOOLS") == "1")
        {
            throw new InvalidOperationException($"{program} is not installed although EPP_REQUIRE_TOOLS=1; run: apt-get install {package}");
        }
        Xunit.Skip.If(path is null, $"{program} is not installed (Debian package {package})");
        return path!;
    }
}
