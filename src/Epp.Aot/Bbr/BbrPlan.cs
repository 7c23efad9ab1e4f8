using System.Text;
using Epp.Aot.Telemetry;
using Epp.Native.Bbr;

namespace Epp.Aot.Bbr;

/// <summary>The plugins as a request meets them: fields numbered, names in UTF-8, instruments found. Immutable; safe to share.</summary>
internal sealed class BbrPlan
{
    public BbrPlan(BbrOptions options, BbrMetrics metrics)
    {
        Dialect = options.Dialect;
        var names = new List<string>();
        var fields = new List<byte[]>();
        var steps = new List<BbrStep>();
        foreach (var plugin in options.InForce)
        {
            var field = names.IndexOf(plugin.Field);
            if (field < 0)
            {
                field = names.Count;
                names.Add(plugin.Field);
                fields.Add(Encoding.UTF8.GetBytes(plugin.Field));
            }

            steps.Add(new BbrStep(plugin, field, metrics.Field(plugin.Field), metrics.PluginDuration(plugin.Type, plugin.Name)));
        }

        Fields = fields;
        Steps = steps.ToArray();
    }

    public BbrDialect Dialect { get; }

    /// <summary>Distinct fields that plugins read.</summary>
    public IReadOnlyList<byte[]> Fields { get; }

    /// <summary>In the order they run.</summary>
    public BbrStep[] Steps { get; }
}

/// <summary>One plugin, ready to run. Immutable.</summary>
/// <param name="plugin">As configured.</param>
/// <param name="field">Number of the field it reads.</param>
/// <param name="series">Counters of the field.</param>
/// <param name="seconds">How long it takes.</param>
internal sealed class BbrStep(BbrPlugin plugin, int field, BbrFieldSeries series, Histogram seconds)
{
    public BbrPluginKind Kind => plugin.Kind;

    public int Field { get; } = field;

    /// <summary>Header it sets.</summary>
    public string HeaderText => plugin.Header;

    /// <summary>The same in UTF-8.</summary>
    public byte[] Header { get; } = Encoding.UTF8.GetBytes(plugin.Header);

    public BbrFieldSeries Series => series;

    public Histogram Seconds => seconds;
}
