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
        var steps = new List<BbrStep>();
        foreach (var plugin in options.InForce)
        {
            var field = names.IndexOf(plugin.Field);
            if (field < 0)
            {
                field = names.Count;
                names.Add(plugin.Field);
            }

            steps.Add(new BbrStep(
                plugin.Kind, field, plugin.Header, Encoding.UTF8.GetBytes(plugin.Header), metrics.Field(plugin.Field), metrics.PluginDuration(plugin.Type, plugin.Name)));
        }

        Fields = [.. names.Select(n => Encoding.UTF8.GetBytes(n))];
        Steps = [.. steps];
    }

    public BbrDialect Dialect { get; }

    /// <summary>Distinct fields that plugins read.</summary>
    public IReadOnlyList<byte[]> Fields { get; }

    /// <summary>In the order they run.</summary>
    public BbrStep[] Steps { get; }
}

/// <summary>One plugin, ready to run.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Field">Number of the field it reads.</param>
/// <param name="HeaderText">Header it sets.</param>
/// <param name="Header">The same in UTF-8.</param>
/// <param name="Series">Counters of the field.</param>
/// <param name="Seconds">How long it takes.</param>
internal sealed record BbrStep(BbrPluginKind Kind, int Field, string HeaderText, byte[] Header, BbrFieldSeries Series, Histogram Seconds);
