using System.Buffers.Text;
using Epp.Native.Pool;

namespace Epp.Native.Wire;

/// <summary>
/// Adapters from the labels of <c>vllm:lora_requests_info{max_lora="4",running_lora_adapters="a,b",waiting_lora_adapters=""}</c>.
/// </summary>
internal static class PrometheusTextLora
{
    /// <summary>Names kept per list: an engine has a handful of slots, a hostile exposition must not make the state grow.</summary>
    private const int MaxNames = 1024;

    /// <param name="line">The whole sample line.</param>
    /// <param name="previous">State of the last scrape; returned as it is when nothing changed.</param>
    public static LoraState Read(ReadOnlySpan<byte> line, LoraState? previous)
    {
        ReadOnlySpan<byte> running = default;
        ReadOnlySpan<byte> waiting = default;
        var max = 0;
        var brace = line.IndexOf((byte)'{');
        if (brace >= 0)
        {
            var labels = new PrometheusTextLabels(line[brace..]);
            while (labels.MoveNext())
            {
                if (labels.Name.SequenceEqual("running_lora_adapters"u8))
                {
                    running = labels.RawValue;
                }
                else if (labels.Name.SequenceEqual("waiting_lora_adapters"u8))
                {
                    waiting = labels.RawValue;
                }
                else if (labels.Name.SequenceEqual("max_lora"u8) && Utf8Parser.TryParse(labels.RawValue, out int n, out _))
                {
                    max = Math.Max(0, n);
                }
            }
        }

        return previous is not null && previous.MaxAdapters == max && Same(running, previous.Running) && Same(waiting, previous.Waiting)
            ? previous
            : new LoraState(Split(running), Split(waiting), max);
    }

    private static bool Same(ReadOnlySpan<byte> list, byte[][] names)
    {
        var n = 0;
        while (Next(ref list, out var name))
        {
            if (n == MaxNames)
            {
                break;
            }

            if (n >= names.Length || !PrometheusTextLabels.ValueEquals(name, names[n]))
            {
                return false;
            }

            n++;
        }

        return n == names.Length;
    }

    private static byte[][] Split(ReadOnlySpan<byte> list)
    {
        var names = new List<byte[]>();
        while (names.Count < MaxNames && Next(ref list, out var name))
        {
            names.Add(PrometheusTextLabels.Unescape(name));
        }

        return [.. names];
    }

    /// <summary>Takes the next non-empty name of a comma list, trimmed.</summary>
    private static bool Next(ref ReadOnlySpan<byte> list, out ReadOnlySpan<byte> name)
    {
        while (!list.IsEmpty)
        {
            var comma = list.IndexOf((byte)',');
            name = (comma < 0 ? list : list[..comma]).Trim((byte)' ');
            list = comma < 0 ? default : list[(comma + 1)..];
            if (!name.IsEmpty)
            {
                return true;
            }
        }

        name = default;
        return false;
    }
}
