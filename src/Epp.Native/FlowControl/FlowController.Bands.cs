namespace Epp.Native.FlowControl;

/// <content>Which bands there are.</content>
public sealed partial class FlowController
{
    /// <summary>
    /// Makes a band, from the templates, for each priority that has none; bands that an earlier call made go once they are empty and no
    /// longer wanted. Requests of a priority without a band are queued in band 0.
    /// </summary>
    public void Provision(ReadOnlySpan<int> wanted)
    {
        var bands = new List<FlowBand>(_bands.Length);
        foreach (var band in _bands)
        {
            if (band.IsConfigured || band.Count > 0 || IsIn(wanted, band.Settings.Priority))
            {
                bands.Add(band);
            }
        }

        foreach (var priority in wanted)
        {
            if (bands.Count < MaxBands && Find(bands, priority) is null)
            {
                bands.Add(new FlowBand((priority < 0 ? _settings.NegativeBand : _settings.DefaultBand).Of(priority), configured: false));
            }
        }

        var next = Sorted(bands);
        _priorities = PrioritiesOf(next);
        _ceilings = new double[next.Length];
        Volatile.Write(ref _bands, next);
    }

    private static FlowBand[] Configured(FlowSettings settings)
    {
        var bands = new List<FlowBand>();
        foreach (var band in settings.Bands)
        {
            bands.Add(new FlowBand(band, configured: true));
        }

        if (Find(bands, 0) is null)
        {
            bands.Add(new FlowBand(settings.DefaultBand.Of(0), configured: true));
        }

        return Sorted(bands);
    }

    private static FlowBand? Find(List<FlowBand> bands, int priority)
    {
        foreach (var band in bands)
        {
            if (band.Settings.Priority == priority)
            {
                return band;
            }
        }

        return null;
    }

    private static bool IsIn(ReadOnlySpan<int> priorities, int priority)
    {
        foreach (var one in priorities)
        {
            if (one == priority)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Highest priority first; there are few.</summary>
    private static FlowBand[] Sorted(List<FlowBand> bands)
    {
        FlowBand[] sorted = [.. bands];
        for (var i = 1; i < sorted.Length; i++)
        {
            for (var at = i; at > 0 && sorted[at - 1].Settings.Priority < sorted[at].Settings.Priority; at--)
            {
                (sorted[at - 1], sorted[at]) = (sorted[at], sorted[at - 1]);
            }
        }

        return sorted;
    }

    private static int[] PrioritiesOf(FlowBand[] bands)
    {
        var priorities = new int[bands.Length];
        for (var i = 0; i < bands.Length; i++)
        {
            priorities[i] = bands[i].Settings.Priority;
        }

        return priorities;
    }

    private FlowBand BandOf(int priority)
    {
        FlowBand? zero = null;
        foreach (var band in _bands)
        {
            if (band.Settings.Priority == priority)
            {
                return band;
            }

            zero = band.Settings.Priority == 0 ? band : zero;
        }

        return zero!;
    }
}
