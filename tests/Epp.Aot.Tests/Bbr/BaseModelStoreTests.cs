using System.Text;
using Epp.Aot.Bbr;
using Microsoft.Extensions.Logging.Abstractions;

namespace Epp.Aot.Tests.Bbr;

/// <summary>ConfigMaps to base models (contract §9.3).</summary>
[Trait("Category", "Unit")]
public sealed class BaseModelStoreTests
{
    private readonly BaseModelStore _store = new(NullLogger.Instance);

    [Theory]
    [InlineData(" qwen \n", "- a\n- ' b '\n- \"\"\n-\n", "qwen", "a,b")]
    [InlineData("qwen", "", "qwen", "")]
    [InlineData("qwen", "[x, y]", "qwen", "x,y")]
    [InlineData("qwen", "# nothing", "qwen", "")]
    [InlineData("qwen", null, "qwen", "")]
    public void Read_GoodMaps_AreTrimmed(string baseModel, string? adapters, string expected, string names)
    {
        var group = BaseModelStore.Read(BbrRig.Map("m", baseModel, adapters).Data, out var problem);
        Assert.Equal("", problem);
        Assert.Equal((expected, names), (group!.BaseModel, string.Join(',', group.Adapters)));
    }

    [Theory]
    [InlineData("", null, "baseModel is missing or empty")]
    [InlineData("  ", "- a", "baseModel is missing or empty")]
    [InlineData("q", "a: b", "expected a YAML list of names")]
    [InlineData("q", "just text", "expected a YAML list of names")]
    [InlineData("q", "- [a]", "expected a name")]
    [InlineData("q", "- 'a", "adapters")]
    [InlineData("q", "- &x [*x]", "adapters")]
    public void Read_BadMaps_SayWhy(string baseModel, string? adapters, string problem)
    {
        Assert.Null(BaseModelStore.Read(BbrRig.Map("m", baseModel, adapters).Data, out var said));
        Assert.Contains(problem, said, StringComparison.Ordinal);
        Assert.Null(BaseModelStore.Read(null, out _));
    }

    [Fact]
    public void Maps_AddedChangedAndDeleted_AreFollowed()
    {
        _store.Replace([BbrRig.Map("one", "base-1", "- a"), BbrRig.Map("two", "base-2", "- b")]);
        Assert.Equal("", Find("a"));
        _store.Flush();
        Assert.Equal(("base-1", "base-2", "base-2"), (Find("a"), Find("b"), Find("base-2")));

        _store.Upsert(BbrRig.Map("one", "base-3", "- c"));
        _store.Flush();
        Assert.Equal(("", "base-3", "", "base-3"), (Find("a"), Find("c"), Find("base-1"), Find("base-3")));

        _store.Delete(BbrRig.Map("two", "base-2"));
        _store.Flush();
        Assert.Equal(("", ""), (Find("b"), Find("base-2")));

        _store.Replace([]);
        _store.Flush();
        Assert.Equal(0, _store.Current.Count);
    }

    [Fact]
    public void Map_ThatBecomesUnreadable_KeepsWhatItSaid_AlsoThroughANewList()
    {
        _store.Replace([BbrRig.Map("one", "base-1", "- a")]);
        _store.Upsert(BbrRig.Map("one", "base-2", "- 'b"));
        _store.Flush();
        Assert.Equal("base-1", Find("a"));
        _store.Replace([BbrRig.Map("one", "", "- b")]);
        _store.Flush();
        Assert.Equal("base-1", Find("a"));
    }

    [Fact]
    public void Adapter_OfTwoMaps_BelongsToTheOlder_AndNamespacesAreApart()
    {
        _store.Replace([BbrRig.Map("m", "young", "- a\n- y", "n1", created: 9), BbrRig.Map("m", "old", "- a\n- o", "n2", created: 3)]);
        _store.Flush();
        Assert.Equal(("old", "young", "old"), (Find("a"), Find("y"), Find("o")));
        _store.Delete(BbrRig.Map("m", "old", ns: "n2"));
        _store.Flush();
        Assert.Equal("young", Find("a"));
    }

    [Fact]
    public void Adapters_BeyondTheLimit_AreLeftOut()
    {
        var many = "[" + string.Join(',', Enumerable.Range(0, (BaseModelStore.MaxAdapters / 2) + 1).Select(i => $"a{i}")) + "]";
        _store.Replace([BbrRig.Map("one", "base-1", many, created: 1), BbrRig.Map("two", "base-2", many.Replace("a", "b", StringComparison.Ordinal), created: 2), BbrRig.Map("three", "base-3", "- c", created: 3)]);
        _store.Flush();
        Assert.Equal(("base-1", "", "base-3"), (Find("a7"), Find("b7"), Find("c")));
    }

    [Fact]
    public void Adapters_Damaged_NeverThrow()
    {
        const int seed = 5;
        var random = new Random(seed);
        for (var round = 0; round < 3000; round++)
        {
            Fuzz.Mutate(random, "- food-review-1\n- 'b'\n- {a: [1, *x]}\n# c\n"u8.ToArray(), bytes =>
            {
                var group = BaseModelStore.Read(BbrRig.Map("m", "q", Encoding.UTF8.GetString(bytes)).Data, out var problem);
                Assert.Equal(group is null, problem.Length > 0);
            });
        }
    }

    private string Find(string model) => Encoding.UTF8.GetString(_store.Current.Find(Encoding.UTF8.GetBytes(model)));
}
