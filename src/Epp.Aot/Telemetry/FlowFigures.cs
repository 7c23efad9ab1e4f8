using Epp.Native.FlowControl;

namespace Epp.Aot.Telemetry;

/// <summary>Flow control's instruments beyond the request label sets (contract §7.2). Thread-safe.</summary>
public sealed class FlowFigures
{
    private readonly Lock _gate = new();
    private readonly Counter _told = new();
    private readonly Counter _ended = new();
    private IssuedNode? _issued;
    private double _prefill = double.NaN;
    private double _decode = double.NaN;
    private double _effective = double.NaN;

    internal FlowFigures(FlowController controller)
    {
        Controller = controller;
    }

    /// <summary>Saturation above the blocked band's ceiling at the latest eviction decision; NaN = nothing is evicted.</summary>
    public double ReclaimTarget { get; set; } = double.NaN;

    /// <summary>Saturation that victims still running would give back.</summary>
    public double PendingReclaim { get; set; } = double.NaN;

    /// <summary>Seconds of each dispatch cycle.</summary>
    public Histogram CycleSeconds { get; } = new(Buckets.Small);

    internal FlowController Controller { get; }

    /// <summary>From telling a victim to the end of its stream.</summary>
    internal Histogram ConfirmationSeconds { get; } = new(Buckets.Confirmation);

    /// <summary>The pool's saturation at the latest cycle; NaN = the stage has no endpoint.</summary>
    public void Saturation(double prefill, double decode, double effective)
    {
        Volatile.Write(ref _prefill, prefill);
        Volatile.Write(ref _decode, decode);
        Volatile.Write(ref _effective, effective);
    }

    /// <summary>A request in flight was asked to end.</summary>
    public void RevocationIssued(int victimPriority)
    {
        lock (_gate)
        {
            var node = _issued;
            while (node is not null && node.Priority != victimPriority)
            {
                node = node.Next;
            }

            if (node is null)
            {
                // Priorities are those of objectives: few.
                _issued = node = new IssuedNode(victimPriority, _issued);
            }

            node.Count.Add();
        }
    }

    /// <summary>Such a request has ended.</summary>
    /// <param name="told">Its client was told; false = it had ended by itself.</param>
    /// <param name="seconds">Since it was asked.</param>
    public void RevocationEnded(bool told, double seconds)
    {
        (told ? _told : _ended).Add();
        ConfirmationSeconds.Observe(seconds);
    }

    internal void CollectSaturation(FamilySamples samples, string pool)
    {
        AddStage(samples, pool, "prefill", Volatile.Read(ref _prefill));
        AddStage(samples, pool, "decode", Volatile.Read(ref _decode));
        AddStage(samples, pool, "effective", Volatile.Read(ref _effective));
    }

    internal void CollectIssued(FamilySamples samples, string pool)
    {
        lock (_gate)
        {
            for (var node = _issued; node is not null; node = node.Next)
            {
                samples.Add(node.Count.Value, pool, node.Priority.ToString(System.Globalization.CultureInfo.InvariantCulture));
            }
        }
    }

    internal void CollectEnded(FamilySamples samples, string pool)
    {
        if (!double.IsNaN(ReclaimTarget))
        {
            samples.Add(_told.Value, pool, "evicted");
            samples.Add(_ended.Value, pool, "completed");
        }
    }

    private static void AddStage(FamilySamples samples, string pool, string stage, double value)
    {
        if (!double.IsNaN(value))
        {
            samples.Add(value, pool, stage);
        }
    }

    private sealed class IssuedNode(int priority, IssuedNode? next)
    {
        public int Priority => priority;

        public IssuedNode? Next => next;

        public Counter Count { get; } = new();
    }
}
