using System.Buffers.Text;
using System.Globalization;
using Epp.Native.Pool;
using Reading = Epp.Native.Wire.EngineMetricsSpec.Reading;

namespace Epp.Native.Wire;

/// <summary>What an exposition turned out to be.</summary>
public enum ExpositionOutcome
{
    /// <summary>At least one wanted reading was found, or none is wanted.</summary>
    Read = 0,

    /// <summary>Exposition text without any wanted reading.</summary>
    NothingWanted,

    /// <summary>Not exposition text (JSON, HTML, binary).</summary>
    NotText,
}

/// <summary>
/// Reads the few families an engine spec names out of a Prometheus text exposition (text format 0.0.4 and OpenMetrics,
/// https://prometheus.io/docs/instrumenting/exposition_formats/): <c>name{label="value",…} value [timestamp]</c>. Lines of other families
/// cost one newline search and a few byte compares. No allocation unless LoRA adapters changed; never throws; malformed lines are skipped.
/// </summary>
public static class PrometheusText
{
    /// <summary>Parses one exposition.</summary>
    /// <param name="text">UTF-8 exposition.</param>
    /// <param name="spec">What to look for.</param>
    /// <param name="state">The endpoint's memory: LoRA adapters and counters of the last exposition.</param>
    /// <param name="metrics">What was found; fields not found say so.</param>
    public static ExpositionOutcome Parse(ReadOnlySpan<byte> text, EngineMetricsSpec spec, EngineScrapeState state, out EndpointMetrics metrics)
    {
        metrics = EndpointMetrics.None;
        if (!LooksLikeText(text))
        {
            return ExpositionOutcome.NotText;
        }

        Span<Found> found = stackalloc Found[(int)Reading.Count];
        found.Clear();
        var slots = spec.Slots;
        var telling = spec.TellingPosition;
        var firsts = spec.TellingBytes;
        var rest = text;
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf((byte)'\n');
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (!line.IsEmpty && line[0] is (byte)' ' or (byte)'\t')
            {
                line = line.TrimStart(" \t"u8);
            }

            // One byte, the first after the names' common prefix, rules out nearly every line: comments and other families alike.
            if (line.Length <= telling || !firsts[line[telling]])
            {
                continue;
            }

            var lineEnd = text.Length - rest.Length - (end < 0 ? 0 : 1);
            foreach (ref readonly var slot in slots.AsSpan())
            {
                var name = slot.Name;
                if (line.Length > name.Length && line[name.Length] is (byte)'{' or (byte)' ' or (byte)'\t' && line[..name.Length].SequenceEqual(name))
                {
                    Take(line, name.Length, spec, slot.Selector, slot.Reading, ref found[(int)slot.Reading], ref metrics, lineEnd);
                }
            }
        }

        return Finish(text, found, spec, state, ref metrics);
    }

    /// <summary>True where the first byte that is not white space can begin a line of exposition text; an empty text counts as text.</summary>
    private static bool LooksLikeText(ReadOnlySpan<byte> text)
    {
        var trimmed = text[..Math.Min(text.Length, 256)].TrimStart(" \t\r\n"u8);
        return trimmed.IsEmpty || char.IsAsciiLetter((char)trimmed[0]) || trimmed[0] is (byte)'#' or (byte)'_' or (byte)':';
    }

    private static void Take(
        ReadOnlySpan<byte> line,
        int nameLength,
        EngineMetricsSpec spec,
        PrometheusTextSelector selector,
        Reading reading,
        ref Found found,
        ref EndpointMetrics metrics,
        int lineEnd)
    {
        var rest = line[nameLength..].TrimStart(" \t"u8);
        var isPart = false;
        var blockTokens = 0;
        var blocks = 0;
        var wanted = selector.Labels;
        var missing = (1 << wanted.Length) - 1;
        if (!rest.IsEmpty && rest[0] == (byte)'{')
        {
            var labels = new PrometheusTextLabels(rest);
            while (labels.MoveNext())
            {
                var asked = Satisfy(labels, wanted, ref missing);
                isPart |= IsAny(labels.Name, spec.PartLabels);
                if (!asked && !labels.RawValue.IsEmpty && !spec.SubtotalLabel.AsSpan().IsEmpty && labels.Name.SequenceEqual(spec.SubtotalLabel))
                {
                    return;
                }

                if (reading == Reading.CacheInfo)
                {
                    blockTokens = labels.Name.SequenceEqual(spec.BlockTokensLabel) ? Count(labels.RawValue) : blockTokens;
                    blocks = labels.Name.SequenceEqual(spec.BlocksLabel) ? Count(labels.RawValue) : blocks;
                }
            }

            if (!labels.Closed)
            {
                return;
            }

            rest = labels.After;
        }

        if (missing != 0 || !TrySample(rest, out var value, out var timestamp))
        {
            return;
        }

        if (found.Add(value, timestamp, isPart, reading == Reading.Lora))
        {
            found.LineStart = lineEnd - line.Length;
            found.LineLength = line.Length;
            if (reading == Reading.CacheInfo)
            {
                metrics.CacheBlockTokens = blockTokens;
                metrics.CacheBlocks = blocks;
            }
        }
    }

    private static bool Satisfy(in PrometheusTextLabels labels, (byte[] Name, byte[] Value)[] wanted, ref int missing)
    {
        var asked = false;
        for (var i = 0; i < wanted.Length; i++)
        {
            if (labels.Name.SequenceEqual(wanted[i].Name))
            {
                asked = true;
                missing &= PrometheusTextLabels.ValueEquals(labels.RawValue, wanted[i].Value) ? ~(1 << i) : ~0;
            }
        }

        return asked;
    }

    private static bool IsAny(ReadOnlySpan<byte> name, byte[][] names)
    {
        foreach (var candidate in names)
        {
            if (name.SequenceEqual(candidate))
            {
                return true;
            }
        }

        return false;
    }

    private static ExpositionOutcome Finish(ReadOnlySpan<byte> text, Span<Found> found, EngineMetricsSpec spec, EngineScrapeState state, ref EndpointMetrics metrics)
    {
        var any = spec.Slots.Length == 0;
        foreach (ref readonly var f in found)
        {
            any |= f.Any;
        }

        if (!any)
        {
            return ExpositionOutcome.NothingWanted;
        }

        metrics.Waiting = WholeRequests(found[(int)Reading.Waiting].Total);
        var running = found[(int)Reading.Running].Total;
        metrics.Running = WholeRequests(spec.RunningIsCounter ? Grown(running, state) : running);
        ref readonly var kv = ref found[(int)Reading.KvUsage];
        state.UsedOtherKvName = !kv.Any && found[(int)Reading.KvUsageOther].Any;
        var usage = state.UsedOtherKvName ? found[(int)Reading.KvUsageOther].Average : kv.Average;
        metrics.KvUsage = double.IsNaN(usage) ? usage : Math.Clamp(usage, 0, 1);
        metrics.CacheBlockTokens = metrics.CacheBlockTokens > 0 ? metrics.CacheBlockTokens : Whole(found[(int)Reading.BlockTokens].First);
        metrics.CacheBlocks = metrics.CacheBlocks > 0 ? metrics.CacheBlocks : Whole(found[(int)Reading.Blocks].First);
        ref readonly var lora = ref found[(int)Reading.Lora];
        if (lora.Any)
        {
            state.Lora = PrometheusTextLora.Read(text.Slice(lora.LineStart, lora.LineLength), state.Lora);
            metrics.Lora = state.Lora;
        }

        return ExpositionOutcome.Read;
    }

    /// <summary>Growth of a cumulative counter since the last exposition; a counter that fell restarted from zero.</summary>
    private static double Grown(double counter, EngineScrapeState state)
    {
        var last = state.LastCounter;
        state.LastCounter = double.IsNaN(counter) ? last : counter;
        return counter < last ? counter : counter - last;
    }

    private static double WholeRequests(double value) => double.IsNaN(value) ? value : Math.Truncate(Math.Clamp(value, 0, int.MaxValue));

    private static int Whole(double value) => double.IsNaN(value) ? 0 : (int)Math.Clamp(value, 0, int.MaxValue);

    private static int Count(ReadOnlySpan<byte> raw) => Utf8Parser.TryParse(raw, out int n, out var used) && used == raw.Length && n > 0 ? n : 0;

    /// <summary><c>value [timestamp] [# exemplar]</c>. Values that are not finite numbers do not count as reported.</summary>
    private static bool TrySample(ReadOnlySpan<byte> rest, out double value, out double timestamp)
    {
        timestamp = double.NaN;
        if (!TryNumber(ref rest, out value) || !double.IsFinite(value))
        {
            return false;
        }

        rest = rest.TrimStart(" \t"u8);
        if (!rest.IsEmpty && rest[0] != (byte)'#' && TryNumber(ref rest, out var stamp) && double.IsFinite(stamp))
        {
            timestamp = stamp;
        }

        return true;
    }

    private static bool TryNumber(ref ReadOnlySpan<byte> rest, out double value)
    {
        rest = rest.TrimStart(" \t"u8);
        var end = rest.IndexOfAny(" \t\r"u8);
        var token = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[end..];
        return double.TryParse(token, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>Series of one reading seen so far.</summary>
    private struct Found
    {
        private double _value;
        private double _timestamp;
        private double _sum;
        private int _parts;
        private bool _stamped;

        public bool Any { get; private set; }

        public int LineStart { get; set; }

        public int LineLength { get; set; }

        /// <summary>The first series, or the one with the largest timestamp.</summary>
        public readonly double First => Any ? _value : double.NaN;

        /// <summary>Sum over the engines behind the endpoint.</summary>
        public readonly double Total => _parts > 1 && !_stamped ? _sum : First;

        /// <summary>Average over the engines behind the endpoint.</summary>
        public readonly double Average => _parts > 1 && !_stamped ? _sum / _parts : First;

        /// <summary>Adds a series; true when it is the one to use.</summary>
        public bool Add(double value, double timestamp, bool isPart, bool largestWins)
        {
            var stamped = !double.IsNaN(timestamp);
            var better = !Any || (largestWins ? value > _value : stamped && (!_stamped || timestamp > _timestamp));
            _stamped |= stamped;
            _sum += isPart ? value : 0;
            _parts += isPart ? 1 : 0;
            if (better)
            {
                Any = true;
                _value = value;
                _timestamp = timestamp;
            }

            return better;
        }
    }
}
