using System.Text;
using Epp.Aot.Configuration;
using Epp.Aot.Telemetry;
using Epp.Native.Requests;
using Epp.Native.Wire;

namespace Epp.Aot.ExtProc;

/// <summary>
/// The numbers that <c>request-attribute-reporter</c> plugins put into the dynamic metadata of a response's last message (plugins §5.10,
/// contract §1.6). Immutable; safe to share.
/// </summary>
internal sealed class UsageReports
{
    private readonly Space[] _spaces;
    private readonly EppMetrics _metrics;

    private UsageReports(Space[] spaces, EppMetrics metrics)
    {
        _spaces = spaces;
        _metrics = metrics;
    }

    /// <summary>The reports of a configuration; null where it has none.</summary>
    public static UsageReports? Create(EppConfig config, EppMetrics metrics)
    {
        // A namespace stands once in the metadata, whatever the number of its keys.
        var spaces = new List<Space>();
        foreach (var plugin in config.Plugins)
        {
            if (plugin.Parameters is UsageReporterParameters report)
            {
                var space = spaces.Find(s => s.Key == report.Namespace);
                if (space is null)
                {
                    spaces.Add(space = new Space(report.Namespace));
                }

                space.Reports.Add(new Report(report));
            }
        }

        return spaces.Count > 0 ? new UsageReports([.. spaces], metrics) : null;
    }

    /// <summary>Writes <c>dynamic_metadata</c> in front of an encoded answer; nothing where there is nothing to report.</summary>
    public void Encode(ProtoWriter writer, in TokenUsage usage)
    {
        var all = writer.Length;
        foreach (var space in _spaces)
        {
            var mark = writer.Length;
            foreach (var report in space.Reports)
            {
                if (TryGet(report.Parameters, in usage, out var number))
                {
                    ExtProcEncoder.StructNumber(writer, report.Key, number);
                }
            }

            if (writer.Length > mark)
            {
                ExtProcEncoder.EndStructStruct(writer, space.Name, mark);
            }
        }

        if (writer.Length > all)
        {
            ExtProcEncoder.EndDynamicMetadata(writer, all);
        }
    }

    private bool TryGet(UsageReporterParameters report, in TokenUsage usage, out long number)
    {
        number = 0;
        if (report.Condition is { } condition && !condition.IsTrue(in usage))
        {
            return false;
        }

        if (!report.Expression.TryGetNumber(in usage, out number))
        {
            _metrics.UsageReportsFailed.Add();
            return false;
        }

        // llm-d reports neither: 0 says nothing, and -1 is what it makes of a value that is no number.
        return number is not (0 or -1);
    }

    private sealed class Space(string key)
    {
        public string Key => key;

        public byte[] Name { get; } = Encoding.UTF8.GetBytes(key);

        public List<Report> Reports { get; } = [];
    }

    private sealed class Report(UsageReporterParameters parameters)
    {
        public byte[] Key { get; } = Encoding.UTF8.GetBytes(parameters.Name);

        public UsageReporterParameters Parameters => parameters;
    }
}
