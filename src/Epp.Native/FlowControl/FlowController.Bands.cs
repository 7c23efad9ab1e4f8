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
        var next = new FlowBand[_bands.Length + wanted.Length];
        var count = 0;
        foreach (var band in _bands)
        {
            if (band.IsConfigured || band.Count > 0 || IsIn(wanted, band.Settings.Priority))
            {
                Insert(next, ref count, band);
            }
        }

        foreach (var priority in wanted)
        {
            if (count < MaxBands && Find(next.AsSpan(0, count), priority) is null)
            {
                Insert(next, ref count, new FlowBand((priority < 0 ? _settings.NegativeBand : _settings.DefaultBand).Of(priority), configured: false));
            }
        }

        next = next.AsSpan(0, count).ToArray();
        _priorities = PrioritiesOf(next);
        _ceilings = new double[next.Length];
        Volatile.Write(ref _bands, next);
    }

    private static FlowBand[] Configured(FlowSettings settings)
    {
        var bands = new FlowBand[settings.Bands.Count + 1];
        var count = 0;
        foreach (var band in settings.Bands)
        {
            Insert(bands, ref count, new FlowBand(band, configured: true));
        }

        if (Find(bands.AsSpan(0, count), 0) is null)
        {
            Insert(bands, ref count, new FlowBand(settings.DefaultBand.Of(0), configured: true));
        }

        return bands.AsSpan(0, count).ToArray();
    }

    private static FlowBand? Find(ReadOnlySpan<FlowBand> bands, int priority)
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

    /// <summary>Keeps the highest priority first; there are few bands.</summary>
    private static void Insert(FlowBand[] bands, ref int count, FlowBand band)
    {
        var at = count++;
        while (at > 0 && bands[at - 1].Settings.Priority < band.Settings.Priority)
        {
            bands[at] = bands[at - 1];
            at--;
        }

        bands[at] = band;
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

    private FlowBand BandOf(int priority) => Find(_bands, priority) ?? Find(_bands, 0)!;
}
