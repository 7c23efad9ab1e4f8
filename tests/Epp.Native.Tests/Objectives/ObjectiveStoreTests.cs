using System.Text;
using Epp.Native.Objectives;
using Epp.Native.Scheduling;
using Epp.Testing;

namespace Epp.Native.Tests.Objectives;

[Trait("Category", "Unit")]
public sealed class ObjectiveStoreTests
{
    private static readonly DateTimeOffset Day = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Case08_Priority_OfAnUnknownOrMissingObjective_IsZero()
    {
        var store = new ObjectiveStore();
        Assert.Equal(0, store.Priority("x"u8));
        store.SetObjectives([new("important", 10), new("sheddable", -5), new("", 7)]);
        Assert.Equal((10, -5, 0, 0), (store.Priority("important"u8), store.Priority("sheddable"u8), store.Priority("other"u8), store.Priority(default)));
        store.SetObjectives([]);
        Assert.Equal(0, store.Priority("important"u8));
    }

    [Fact]
    public void Case32_Rewrite_ExactBeforeGeneric_OldestFirst_ThenListOrder()
    {
        var store = new ObjectiveStore();
        store.SetRewrites(
        [
            Rewrite("young", 2, Rule(["base"], ("from-young", 1)), Rule([], ("generic-young", 1))),
            Rewrite("old", 1, Rule([], ("generic-old", 1)), Rule(["base", "two"], ("first", 1)), Rule(["base"], ("second", 1))),
            Rewrite("same-second", 1, Rule(["two", "three"], ("later-in-list", 1))),
        ]);
        Assert.Equal("old:first", Choose(store, "base"));
        Assert.Equal("old:first", Choose(store, "two"));
        Assert.Equal("same-second:later-in-list", Choose(store, "three"));
        Assert.Equal("old:generic-old", Choose(store, "unknown"));
    }

    [Fact]
    public void Case31_Rewrite_GenericRule_SuppliesAMissingModel()
    {
        var store = new ObjectiveStore();
        Assert.Null(Choose(store, ""));
        store.SetRewrites([Rewrite("a", 1, Rule(["m"], ("x", null)))]);
        Assert.Null(Choose(store, ""));
        store.SetRewrites([Rewrite("a", 1, Rule([], ("x", null)))]);
        Assert.Equal("a:x", Choose(store, ""));
    }

    [Fact]
    public void Rewrite_RuleWithoutTargets_IsNoRule()
    {
        var store = new ObjectiveStore();
        store.SetRewrites([Rewrite("a", 1, Rule(["m"]), Rule(["m"], ("", 1)), Rule(["m"], ("x", 1)))]);
        Assert.Equal("a:x", Choose(store, "m"));
    }

    [Fact]
    public void Case32_Rewrite_Weights_AreProportional_UniformWithoutAny_NothingBesideOne()
    {
        var store = new ObjectiveStore();
        store.SetRewrites(
        [
            Rewrite("a", 1, Rule(["split"], ("x", 90), ("y", 10)), Rule(["even"], ("x", null), ("y", null)), Rule(["partly"], ("x", 1), ("y", null)), Rule(["extreme"], ("x", 1), ("y", 1_000_000))),
        ]);
        Assert.InRange(Share(store, "split"), 0.88, 0.92);
        Assert.InRange(Share(store, "even"), 0.48, 0.52);
        Assert.Equal(1, Share(store, "partly"));
        Assert.InRange(Share(store, "extreme"), 0, 0.001);
    }

    [Fact]
    public void Rewrite_AgainstANaiveModel_ChoosesTheSameRule()
    {
        const int Seed = 41;
        var random = new Random(Seed);
        for (var round = 0; round < 300; round++)
        {
            var rewrites = Enumerable.Range(0, random.Next(6)).Select(i => Rewrite(
                $"r{i}",
                random.Next(3),
                [.. Enumerable.Range(0, random.Next(4)).Select(j => Rule(
                    [.. Enumerable.Range(0, random.Next(3)).Select(_ => $"m{random.Next(6)}")], ($"t{i}-{j}", null)))])).ToList();
            var store = new ObjectiveStore();
            store.SetRewrites(rewrites);
            foreach (var model in (string[])["", "m0", "m1", "m2", "m3", "m4", "m5", "m6"])
            {
                Assert.True(Naive(rewrites, model) == Choose(store, model), $"seed {Seed}, round {round}, model '{model}'");
            }
        }

        static string? Naive(IReadOnlyList<InferenceModelRewrite> rewrites, string model)
        {
            var ordered = rewrites.OrderBy(r => r.Created).SelectMany(r => r.Rules.Select(rule => (r.Name, Rule: rule))).ToList();
            var found = ordered.Where(r => r.Rule.Models.Contains(model)).Concat(ordered.Where(r => r.Rule.Models.Count == 0)).Select(r => $"{r.Name}:{r.Rule.Targets[0].Model}");
            return found.FirstOrDefault();
        }
    }

    [Fact]
    public void Priority_AgainstADictionary_IsTheSame()
    {
        const int Seed = 43;
        var random = new Random(Seed);
        for (var count = 0; count < 200; count++)
        {
            var expected = Enumerable.Range(0, count).Select(_ => Guid.NewGuid().ToString("N")[..random.Next(1, 20)]).Distinct().ToDictionary(n => n, _ => random.Next(-9, 9));
            var store = new ObjectiveStore();
            store.SetObjectives([.. expected.Select(e => new InferenceObjective(e.Key, e.Value))]);
            Assert.All(expected, e => Assert.Equal(e.Value, store.Priority(Encoding.UTF8.GetBytes(e.Key))));
            Assert.Equal(0, store.Priority("no-such-name-at-all"u8));
        }
    }

    [Fact]
    public void Lookups_AllocateNothing()
    {
        var store = new ObjectiveStore();
        store.SetObjectives([new("a", 1), new("b", -1)]);
        store.SetRewrites([Rewrite("r", 1, Rule(["m"], ("x", 3), ("y", 1)), Rule([], ("g", null)))]);
        var random = new RandomSource(1);
        Run(store, ref random);
        Assert.Equal(0, Allocated.Least(() =>
        {
            Run(store, ref random);
        }));

        static void Run(ObjectiveStore store, ref RandomSource random)
        {
            for (var i = 0; i < 1000; i++)
            {
                store.Priority("b"u8);
                store.Priority("unknown"u8);
                store.TryRewrite("m"u8, ref random, out _);
                store.TryRewrite("n"u8, ref random, out _);
            }
        }
    }

    private static InferenceModelRewrite Rewrite(string name, int day, params ModelRewriteRule[] rules) => new(name, Day.AddDays(day), rules);

    private static ModelRewriteRule Rule(string[] models, params (string Model, int? Weight)[] targets) =>
        new(models, [.. targets.Select(t => new ModelRewriteTarget(t.Model, t.Weight))]);

    private static string? Choose(ObjectiveStore store, string model)
    {
        var random = new RandomSource(5);
        return store.TryRewrite(Encoding.UTF8.GetBytes(model), ref random, out var choice)
            ? $"{Encoding.UTF8.GetString(choice.Rewrite)}:{Encoding.UTF8.GetString(choice.Target)}"
            : null;
    }

    private static double Share(ObjectiveStore store, string model)
    {
        const int Draws = 10_000;
        var random = new RandomSource(11);
        var x = 0;
        for (var i = 0; i < Draws; i++)
        {
            store.TryRewrite(Encoding.UTF8.GetBytes(model), ref random, out var choice);
            x += choice.Target.AsSpan().SequenceEqual("x"u8) ? 1 : 0;
        }

        return (double)x / Draws;
    }
}
