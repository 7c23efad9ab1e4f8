using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Epp.Native.Dynamo;
using Epp.Native.Tests.KvEvents;
using Epp.Testing;

namespace Epp.Native.Tests.Dynamo;

public sealed partial class DynamoCostTests
{
    private const int BlockTokens = 16;

    /// <summary>Every cost that real routers logged, and every choice they made, by each release's rules.</summary>
    [SkippableFact]
    [Trait("Category", "Golden")]
    public void EveryRecordedSelection_EqualsTheRouters()
    {
        var costs = 0;
        foreach (var file in Directory.GetFiles(Golden.Require("dynamo/selection"), "select-*.jsonl"))
        {
            var isOld = false;
            var ignoresOverrides = false;
            var cache = new Dictionary<(int Worker, int Family), (int Device, int Host, int Disk)>();
            foreach (var row in Json.Rows(file))
            {
                switch (row.At("kind").Text())
                {
                    case "env":
                        var version = Version.Parse(row.At("version").Text());
                        isOld = version < new Version(1, 4);
                        ignoresOverrides = version >= new Version(1, 6);
                        break;
                    case "cache":
                        cache[(row.At("worker").GetInt32(), row.At("family").GetInt32())] =
                            (row.At("device").GetInt32(), row.At("host_beyond").GetInt32(), row.At("disk_beyond").GetInt32());
                        break;
                    case "step" when row.At("logits").IsSet():
                        costs += Check($"{Path.GetFileName(file)} step {row.At("n").GetInt32()}", row, cache, isOld, ignoresOverrides);
                        break;
                }
            }
        }

        Assert.True(costs > 0, "no selection recorded");
    }

    [Theory]
    [Trait("Category", "Unit")]
    [InlineData(0.0, 0)]
    [InlineData(0.49, 0)]
    [InlineData(0.5, 2)]
    [InlineData(0.99, 2)]
    public void Choose_Ties_UniformAmongTheCheapest(double chance, int expected) =>
        Assert.Equal(expected, DynamoCost.Choose([1.5, 2, 1.5], temperature: 0, chance));

    [Fact]
    [Trait("Category", "Unit")]
    public void Choose_Temperature_SoftmaxOfNormalisedCosts()
    {
        double[] costs = [10, 20, 30];
        var random = new Random(5);
        var counts = new int[3];
        for (var i = 0; i < 100_000; i++)
        {
            counts[DynamoCost.Choose(costs, temperature: 0.5, random.NextDouble())]++;
        }

        // exp(0), exp(−1), exp(−2), normalised.
        var sum = 1 + Math.Exp(-1) + Math.Exp(-2);
        Assert.InRange(counts[0] / 100_000.0, (1 / sum) - 0.01, (1 / sum) + 0.01);
        Assert.InRange(counts[2] / 100_000.0, (Math.Exp(-2) / sum) - 0.01, (Math.Exp(-2) / sum) + 0.01);
        Assert.Equal(1, DynamoCost.Choose([3, 3], temperature: 0.5, 0.7));
    }

    [Fact]
    [Trait("Category", "Unit")]
    public void Of_CreditDecay_FadesWithOutstandingPrefill()
    {
        var weights = new DynamoCostWeights(CreditDecay: 1);
        var idle = new DynamoCandidate(4, 0, 0, 0, true, 0, 0, 0, 0);
        var busy = idle with { ActivePrefillTokens = 128 };
        // 8 blocks of prompt, 8 blocks waiting: the credit of 4 blocks is halved.
        Assert.Equal(4, DynamoCost.Of(idle, 128, BlockTokens, 0, false, weights));
        Assert.Equal(16 - 2, DynamoCost.Of(busy, 128, BlockTokens, 0, false, weights));
    }

    private static int Check(
        string where, JsonElement row, Dictionary<(int Worker, int Family), (int Device, int Host, int Disk)> cache, bool isOld, bool ignoresOverrides)
    {
        var costs = 0;
        var byWorker = new Dictionary<string, double>();
        foreach (var worker in Enumerable.Range(0, 4).Select(static w => w.ToString(CultureInfo.InvariantCulture)))
        {
            byWorker[worker] = Cost(row, worker, cache, isOld, ignoresOverrides);
        }

        foreach (var logit in row.At("logits").EnumerateObject())
        {
            var (worker, logged) = logit.Name == "selected"
                ? (logit.Value[0].GetInt32().ToString(CultureInfo.InvariantCulture), logit.Value[1].GetDouble())
                : (logit.Name, double.Parse(LoggedCost().Match(logit.Value.Text()).Groups[1].Value, CultureInfo.InvariantCulture));
            Assert.True(Math.Abs(byWorker[worker] - logged) <= 0.0006, $"{where} worker {worker}: {byWorker[worker]}, logged {logged}");
            costs++;
        }

        var chosen = row.At("chosen").GetInt32().ToString(CultureInfo.InvariantCulture);
        Assert.True(byWorker[chosen] <= byWorker.Values.Min() + 1e-9, $"{where}: {chosen} is not the cheapest of {string.Join(", ", byWorker)}");
        return costs;
    }

    private static double Cost(
        JsonElement row, string worker, Dictionary<(int Worker, int Family), (int Device, int Host, int Disk)> cache, bool isOld, bool ignoresOverrides)
    {
        var change = row.At("override");
        var tokens = row.At("n_tokens").GetInt32();
        var (device, host, disk) = Overlap(row, worker, cache, tokens / BlockTokens);
        var state = row.At("state_before").At(worker);
        var live = state.IsSet() ? state.At("active_blocks").GetInt32() : 0;
        var potential = row.At("potential").At(worker).IsSet() ? row.At("potential").At(worker)[1].GetInt32() : 0;
        var reuse = change.At("assume_kv_reuse").ValueKind != JsonValueKind.False;
        var weights = new DynamoCostWeights(
            OverlapScoreCredit: Number(change, "overlap_score_credit", ignoresOverrides),
            PrefillLoadScale: Number(change, "prefill_load_scale", ignoresOverrides),
            TrackPrefillTokens: change.At("track_prefill_tokens").ValueKind != JsonValueKind.False);
        var candidate = new DynamoCandidate(
            device, host, disk, 0, state.IsSet(), state.IsSet() ? state.At("active_prefill_tokens").GetInt32() : 0, live, reuse ? potential - live : tokens / BlockTokens, 0);
        return DynamoCost.Of(
            candidate, tokens, BlockTokens, 0, isDecodeOnly: !weights.TrackPrefillTokens, weights, isOld ? DynamoCostRules.UpTo13 : DynamoCostRules.Current);
    }

    private static (int Device, int Host, int Disk) Overlap(
        JsonElement row, string worker, Dictionary<(int Worker, int Family), (int Device, int Host, int Disk)> cache, int blocks)
    {
        if (row.At("overlap").At(worker) is var overlap && overlap.IsSet())
        {
            return (overlap[0].GetInt32(), overlap[1].GetInt32(), overlap[2].GetInt32());
        }

        var (device, host, disk) = cache.GetValueOrDefault((int.Parse(worker, CultureInfo.InvariantCulture), row.At("family").GetInt32()));
        device = Math.Min(device, blocks);
        host = Math.Min(host, blocks - device);
        return (device, host, Math.Min(disk, blocks - device - host));
    }

    private static double Number(JsonElement change, string name, bool ignored) => !ignored && change.At(name).IsSet() ? change.At(name).GetDouble() : 1;

    [GeneratedRegex(@"blocks: ([-\d.]+) =")]
    private static partial Regex LoggedCost();
}
