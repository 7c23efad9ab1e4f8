using Epp.Aot.Configuration;
using Epp.Testing;

namespace Epp.Aot.Tests.Configuration;

/// <summary>The configurations of the recorded exchanges.</summary>
[Trait("Category", "Golden")]
public class RecordedConfigTests
{
    [SkippableFact]
    public void Load_EveryRecordedConfig_IsAcceptedOrNamesWhatIsNotBuilt()
    {
        Skip.If(Golden.Folder is null, "the golden data is not beside the repository");
        var folder = Path.Combine(Path.GetDirectoryName(Golden.Folder!)!, "transcripts", "configs");
        Skip.IfNot(Directory.Exists(folder), "the recorded exchanges are not beside the golden data");
        var accepted = 0;
        foreach (var path in Directory.GetFiles(folder, "*.yaml"))
        {
            var text = File.ReadAllText(path).Replace("@ENDPOINTS@", "/tmp/endpoints.yaml", StringComparison.Ordinal);
            var result = EppConfigLoader.Load(System.Text.Encoding.UTF8.GetBytes(text), path);
            accepted += result.Config is null ? 0 : 1;
            Assert.All(result.Errors, e => Assert.Matches("not built into this version", e.Message));
        }

        Assert.True(accepted > 0);
    }
}
