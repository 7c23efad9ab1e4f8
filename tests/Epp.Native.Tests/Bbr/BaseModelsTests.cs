using System.Text;
using Epp.Native.Bbr;

namespace Epp.Native.Tests.Bbr;

/// <summary>Names to base models (contract §9.3).</summary>
[Trait("Category", "Unit")]
public sealed class BaseModelsTests
{
    private static readonly BaseModels Models = new(
    [
        new BaseModelGroup("Qwen/Qwen3-32B", ["food", "shared", "llama"]),
        new BaseModelGroup("llama", ["shared", "sql-løra"]),
        new BaseModelGroup("Qwen/Qwen3-32B", ["more"]),
    ]);

    [Theory]
    [InlineData("food", "Qwen/Qwen3-32B")]
    [InlineData("more", "Qwen/Qwen3-32B")]
    [InlineData("shared", "Qwen/Qwen3-32B")]
    [InlineData("sql-løra", "llama")]
    [InlineData("Qwen/Qwen3-32B", "Qwen/Qwen3-32B")]
    [InlineData("llama", "Qwen/Qwen3-32B")]
    [InlineData(" food\t", "Qwen/Qwen3-32B")]
    [InlineData("Food", "")]
    [InlineData("", "")]
    [InlineData("unknown", "")]
    public void Find_AdapterBeforeBaseModel_ElseNothing(string model, string expected) => Assert.Equal(expected, Find(Models, Encoding.UTF8.GetBytes(model)));

    [Fact]
    public void Find_LongOrInvalidNames_AreUnknown()
    {
        Assert.Equal("", Find(BaseModels.Empty, "x"u8));
        Assert.Equal("", Find(Models, new byte[10_000]));
        Assert.Equal("", Find(Models, [0xFF, 0xC3, 0x28]));
    }

    private static string Find(BaseModels models, ReadOnlySpan<byte> model) => Encoding.UTF8.GetString(models.Find(model));
}
