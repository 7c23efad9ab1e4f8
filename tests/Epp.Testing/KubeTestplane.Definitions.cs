using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace Epp.Testing;

/// <summary>The custom resource definitions.</summary>
public sealed partial class KubeTestplane
{
    /// <summary>Both generations: v1.2.1, with InferencePool v1 as of v1.5.0, which adds <c>appProtocol</c>, and llm-d's.</summary>
    /// <param name="containing">Only files whose names contain this.</param>
    public async Task ApplyDefinitionsAsync(string containing)
    {
        var folder = SharedTools.RequireData("crds");
        foreach (var file in Directory.GetFiles(folder, "*.yaml").Where(f => Path.GetFileName(f).Contains(containing, StringComparison.Ordinal)))
        {
            var newer = Path.Combine(folder, "gie-v1.5.0", Path.GetFileName(file));
            await ApplyDefinitionAsync(file.EndsWith("inference.networking.k8s.io_inferencepools.yaml", StringComparison.Ordinal) ? newer : file);
        }
    }

    private async Task ApplyDefinitionAsync(string file)
    {
        const string Path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        using var content = new StringContent(await File.ReadAllTextAsync(file), Encoding.UTF8, "application/yaml");
        using var response = await _http.PostAsync(Path, content);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{file}: {(int)response.StatusCode} {text}");
        var name = JsonNode.Parse(text)!["metadata"]!["name"]!.GetValue<string>();
        await Wait.UntilAsync(
            async () => (await GetAsync($"{Path}/{name}"))["status"]?["conditions"]?.AsArray()
                .Any(c => c!["type"]!.GetValue<string>() == "Established" && c["status"]!.GetValue<string>() == "True") == true,
            what: $"{name} is established");
    }
}
