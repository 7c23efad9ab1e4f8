using System.Globalization;
using Epp.Native.Pool;

namespace Epp.Aot.Telemetry;

/// <summary>
/// Counts scheduling attempts by endpoint, target model and outcome. The endpoint's labels are resolved once per pool slot: a slot's
/// entry is an immutable pair of endpoint and number, replaced when another endpoint gets the slot. Lock-free after that.
/// </summary>
internal sealed class SchedulerAttempts
{
    private readonly LabelTable _models;
    private readonly SeriesTable<Attempts> _series;
    private readonly Dictionary<(string Namespace, string Name, int Port), int> _numbers = [];
    private readonly Lock _gate = new();
    private Slot?[] _slots = new Slot?[16];

    public SchedulerAttempts(LabelTable models, int limit)
    {
        _models = models;
        _series = new SeriesTable<Attempts>(limit);
    }

    public void Count(Endpoint? endpoint, ReadOnlySpan<byte> targetModel, bool success)
    {
        var model = _models.Get(targetModel);
        var key = SeriesKey.Of(endpoint is null ? 0 : NumberOf(endpoint), model.Id, success ? 1 : 0, 0);
        var attempts = _series.Find(key);
        if (attempts is null && _series.IsFull)
        {
            (endpoint, model) = (null, _models.Other);
            key = SeriesKey.Of(-1, 0, success ? 1 : 0, 0);
            attempts = _series.Find(key) ?? _series.Add(key, new Attempts("other", "other", "0", model.Text, success));
        }

        attempts ??= _series.Add(key, new Attempts(
            endpoint?.Name ?? "", endpoint?.Namespace ?? "", endpoint?.Port.ToString(CultureInfo.InvariantCulture) ?? "", model.Text, success));
        attempts.Counter.Add();
    }

    public IEnumerable<Attempts> All() => _series.All();

    private int NumberOf(Endpoint endpoint)
    {
        var slots = Volatile.Read(ref _slots);
        var index = endpoint.Index.Value;
        return index < slots.Length && Volatile.Read(ref slots[index]) is { } slot && slot.Endpoint == endpoint ? slot.Number : Resolve(endpoint);
    }

    private int Resolve(Endpoint endpoint)
    {
        lock (_gate)
        {
            var identity = (endpoint.Namespace, endpoint.Name, endpoint.Port);
            if (!_numbers.TryGetValue(identity, out var number))
            {
                // Past the limit no series can be added for it either: all further endpoints share the last number.
                number = Math.Min(_numbers.Count + 1, EppMetrics.MaxAttemptSeries);
                if (number < EppMetrics.MaxAttemptSeries)
                {
                    _numbers[identity] = number;
                }
            }

            var index = endpoint.Index.Value;
            if (index >= _slots.Length)
            {
                var grown = new Slot?[Math.Max(index + 1, _slots.Length * 2)];
                _slots.CopyTo(grown, 0);
                Volatile.Write(ref _slots, grown);
            }

            Volatile.Write(ref _slots[index], new Slot(endpoint, number));
            return number;
        }
    }

    private sealed record Slot(Endpoint Endpoint, int Number);

    /// <summary>One label set.</summary>
    internal sealed record Attempts(string EndpointName, string Namespace, string Port, string TargetModel, bool Success)
    {
        public Counter Counter { get; } = new();

        public string Status => Success ? "success" : "failure";
    }
}
