using System.Text;
using Epp.Aot.Discovery.Kubernetes;
using Epp.Aot.Kubernetes;
using Epp.Native.Objectives;

namespace Epp.Aot.Tests.Discovery.Kubernetes;

[Trait("Category", "Unit")]
public sealed class PoolObjectsTests
{
    private static readonly PoolReference Pool = new("pool", PoolReference.DefaultGroup);

    [Theory]
    [InlineData("""{"priority":-3,"poolRef":{"group":"inference.networking.k8s.io","name":"pool"}}""", -3)]
    [InlineData("""{"poolRef":{"name":"pool"}}""", 0)]
    [InlineData("""{"priority":1,"poolRef":{"name":"other"}}""", null)]
    [InlineData("""{"priority":1,"poolRef":{"group":"inference.networking.x-k8s.io","name":"pool"}}""", null)]
    [InlineData("""{"priority":1}""", null)]
    [InlineData("null", null)]
    public void Objective_OfThisPoolOnly_HasItsPriority(string spec, int? priority)
    {
        var item = KubeText.Read(Encoding.UTF8.GetBytes($$"""{"metadata":{"name":"o"},"spec":{{spec}}}"""), KubeJson.Default.ObjectiveObject).Value!;
        Assert.Equal(priority, PoolObjects.Objective(item, Pool)?.Priority);
    }

    [Theory]
    [InlineData("targets")]
    [InlineData("split")]
    public void Rewrite_BothGenerations_AreRead(string key)
    {
        var rewrite = Rewrite($$"""[{"matches":[{"model":{"type":"Exact","value":"a"} },{"model":{"value":"b"} }],"{{key}}":[{"modelRewrite":"x","weight":3},{"modelRewrite":"y"}]},{"{{key}}":[{"modelRewrite":"z"}]}]""")!;
        Assert.Equal(DateTimeOffset.Parse("2026-01-02T03:04:05Z"), rewrite.Created);
        Assert.Equal(["a", "b"], rewrite.Rules[0].Models);
        Assert.Equal([new("x", 3), new("y", null)], rewrite.Rules[0].Targets);
        Assert.Empty(rewrite.Rules[1].Models);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("""[{"matches":[]}]""")]
    [InlineData("""[{"targets":[{"modelRewrite":""}]}]""")]
    [InlineData("""[{"matches":[{}],"targets":[{"modelRewrite":"x"}]}]""")]
    [InlineData("""[{"matches":[{"model":{"type":"Prefix","value":"a"}}],"targets":[{"modelRewrite":"x"}]}]""")]
    [InlineData("[null]")]
    public void Rewrite_RulesThatCannotAct_NeverWidenToAnyModel(string rules) => Assert.Empty(Rewrite(rules)!.Rules);

    [Fact]
    public void Set_FollowsChanges_AndPublishesOncePerFlush()
    {
        var published = new List<string>();
        var set = new ObjectSet<ObjectiveObject, InferenceObjective>(o => PoolObjects.Objective(o, Pool), all => published.Add(string.Join(' ', all.Select(o => $"{o.Name}={o.Priority}").Order())));
        set.Replace([Objective("a", 1), Objective("b", 2), Objective("c", 3, "other")]);
        set.Flush();
        set.Flush();
        set.Upsert(Objective("b", 2, "other"));
        set.Upsert(Objective("a", 5));
        set.Flush();
        set.Delete(Objective("a", 5));
        set.Flush();
        set.Clear();
        Assert.Equal(["a=1 b=2", "a=5", ""], published);
    }

    private static ObjectiveObject Objective(string name, int priority, string pool = "pool") =>
        new() { Metadata = new ObjectMeta { Name = name }, Spec = new ObjectiveSpec { Priority = priority, PoolRef = new PoolRef { Name = pool } } };

    private static InferenceModelRewrite? Rewrite(string rules)
    {
        var text = $$"""{"metadata":{"name":"r","creationTimestamp":"2026-01-02T03:04:05Z"},"spec":{"poolRef":{"name":"pool"},"rules":{{rules}} } }""";
        return PoolObjects.Rewrite(KubeText.Read(Encoding.UTF8.GetBytes(text), KubeJson.Default.RewriteObject).Value!, Pool);
    }
}
