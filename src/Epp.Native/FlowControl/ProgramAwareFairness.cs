using System.Text;

namespace Epp.Native.FlowControl;

/// <summary>
/// <c>program-aware-fairness</c>, strategy <c>las</c> (least attained service): a program's attained service grows by its tokens, output
/// counting double, and halves with time. Score = wS · (1 − norm(service)) + wH · norm(wait of its first request), min-max norm over
/// the flows, 0.5 where all are equal; the highest wins, the best first request among equals.
/// </summary>
internal sealed class ProgramAwareFairness(ProgramAwareSettings settings) : IFairnessPolicy
{
    /// <summary>Programs remembered at most: clients choose the ids.</summary>
    private const int MaxPrograms = 10_000;

    private readonly Dictionary<string, Program> _programs = new(StringComparer.Ordinal);

    public FlowQueue Pick(FlowBand band, long nowMs)
    {
        var flows = band.Flows;
        var service = new Range();
        var wait = new Range();
        foreach (var flow in flows)
        {
            service.Add(Attained(flow, nowMs));
            wait.Add(nowMs - flow.Head.EnqueuedMs);
        }

        var best = flows[0];
        var bestScore = double.NegativeInfinity;
        foreach (var flow in flows)
        {
            var score = (settings.WeightService * (1 - service.Norm(Attained(flow, nowMs)))) + (settings.WeightHeadWait * wait.Norm(nowMs - flow.Head.EnqueuedMs));
            if (score > bestScore || (score == bestScore && flow.Head.IsBefore(best.Head)))
            {
                (best, bestScore) = (flow, score);
            }
        }

        return best;
    }

    public void Served(ReadOnlySpan<byte> fairnessId, double service, long nowMs)
    {
        var id = Encoding.UTF8.GetString(fairnessId);
        if (!_programs.TryGetValue(id, out var program))
        {
            if (_programs.Count >= MaxPrograms)
            {
                Forget(nowMs);
            }

            if (_programs.Count >= MaxPrograms)
            {
                return;
            }

            _programs[id] = program = new Program();
        }

        program.Service = Decayed(program, nowMs) + service;
        program.AtMs = nowMs;
    }

    private double Attained(FlowQueue flow, long nowMs) =>
        _programs.Count > 0 && _programs.TryGetValue(Encoding.UTF8.GetString(flow.Id), out var program) ? Decayed(program, nowMs) : 0;

    private double Decayed(Program program, long nowMs) => program.Service * Math.Pow(2, -(nowMs - program.AtMs) / 1000.0 / settings.HalfLifeSeconds);

    private void Forget(long nowMs)
    {
        foreach (var (id, program) in _programs)
        {
            if (nowMs - program.AtMs > settings.ForgetAfterSeconds * 1000)
            {
                _programs.Remove(id);
            }
        }
    }

    private sealed class Program
    {
        public double Service;
        public long AtMs;
    }

    private struct Range
    {
        private double _min;
        private double _max;
        private bool _any;

        public void Add(double value)
        {
            _min = _any ? Math.Min(_min, value) : value;
            _max = _any ? Math.Max(_max, value) : value;
            _any = true;
        }

        public readonly double Norm(double value) => _max > _min ? (value - _min) / (_max - _min) : 0.5;
    }
}
