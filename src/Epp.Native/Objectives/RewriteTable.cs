using System.Text;
using Epp.Native.Scheduling;

namespace Epp.Native.Objectives;

/// <summary>
/// Rewrites compiled for lookup (contract §3.4): exact rules before generic ones, whatever their objects; then the oldest object, then
/// the order of rules in the object. Objects made in the same second keep the order of the list. Immutable; safe to share.
/// </summary>
internal sealed class RewriteTable
{
    private readonly Utf8Table<Rule> _exact;
    private readonly Rule? _generic;

    public RewriteTable(IReadOnlyList<InferenceModelRewrite> rewrites)
    {
        var exact = new List<(byte[], Rule)>();
        foreach (var rewrite in rewrites.OrderBy(r => r.Created))
        {
            var name = Encoding.UTF8.GetBytes(rewrite.Name);
            foreach (var rule in rewrite.Rules.Where(r => r.Targets.Any(t => t.Model.Length > 0)))
            {
                if (rule.Models.Count == 0)
                {
                    _generic ??= new Rule(name, null, rule.Targets);
                }

                foreach (var model in rule.Models)
                {
                    var key = Encoding.UTF8.GetBytes(model);
                    exact.Add((key, new Rule(name, key, rule.Targets)));
                }
            }
        }

        _exact = new Utf8Table<Rule>(exact);
    }

    public bool TryChoose(ReadOnlySpan<byte> model, ref RandomSource random, out RewriteChoice choice)
    {
        if (_exact.TryGet(model, out var rule) || (rule = _generic) is not null)
        {
            choice = rule!.Choose(ref random);
            return true;
        }

        choice = default;
        return false;
    }

    /// <summary>One rule with its shares added up: target i gets the numbers below <c>bounds[i]</c> that no earlier one has.</summary>
    private sealed class Rule
    {
        private readonly RewriteChoice[] _choices;
        private readonly long[] _bounds;

        public Rule(byte[] name, byte[]? matched, IReadOnlyList<ModelRewriteTarget> targets)
        {
            var named = targets.Where(t => t.Model.Length > 0).ToList();
            // A target without weight gets nothing beside one that has a weight; without any weight all are equal.
            var weighted = named.Where(t => t.Weight > 0).ToList();
            var chosen = weighted.Count > 0 ? weighted : named;
            _choices = [.. chosen.ConvertAll(t => new RewriteChoice(name, Encoding.UTF8.GetBytes(t.Model), matched))];
            _bounds = new long[chosen.Count];
            long total = 0;
            for (var i = 0; i < chosen.Count; i++)
            {
                total += weighted.Count > 0 ? chosen[i].Weight!.Value : 1;
                _bounds[i] = total;
            }
        }

        public RewriteChoice Choose(ref RandomSource random)
        {
            if (_choices.Length == 1)
            {
                return _choices[0];
            }

            var draw = (long)(random.NextDouble() * _bounds[^1]);
            var i = 0;
            while (draw >= _bounds[i])
            {
                i++;
            }

            return _choices[i];
        }
    }
}
