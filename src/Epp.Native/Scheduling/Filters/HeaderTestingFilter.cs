using System.Net;
using Epp.Native.Pool;

namespace Epp.Native.Scheduling.Filters;

/// <summary>
/// Keeps the endpoints a test names in the header <c>test-epp-endpoint-selection</c>: a comma list of <c>ip</c>, <c>ip:port</c>,
/// <c>[v6]:port</c>, in the header's order, each address once. Without the header, or where nothing matches, none is left. For the
/// Gateway API conformance suite; an IPv6 item allocates.
/// </summary>
public sealed class HeaderTestingFilter(string name) : IFilter
{
    public const string PluginType = "header-based-testing-filter";

    private const int LongestItem = 64;

    public string Name => name;

    public string Type => PluginType;

    public int Filter(RoutingRequest request, in Candidates candidates, Span<ushort> kept)
    {
        if (request.Headers is null || !request.Headers.TryGet("test-epp-endpoint-selection"u8, out var list))
        {
            return 0;
        }

        var count = 0;
        foreach (var range in list.Split((byte)','))
        {
            var item = list[range].Trim(" \t"u8);
            if (count < kept.Length && Find(item, candidates, kept[..count]) is { } slot)
            {
                kept[count++] = slot;
            }
        }

        return count;
    }

    /// <summary>The first candidate at the address whose address is not kept yet.</summary>
    private static ushort? Find(ReadOnlySpan<byte> item, in Candidates candidates, ReadOnlySpan<ushort> kept)
    {
        if (!TrySplit(item, out var host, out var port))
        {
            return null;
        }

        var ip = host.Contains((byte)':') ? Parse(host) : null;
        foreach (var slot in candidates.Indexes)
        {
            var endpoint = candidates.Pool[slot];
            if ((port == 0 || port == endpoint.Port) && IsAt(endpoint, host, ip))
            {
                return KeepsAddress(candidates.Pool, kept, endpoint) ? null : slot;
            }
        }

        return null;
    }

    private static bool IsAt(Endpoint endpoint, ReadOnlySpan<byte> host, IPAddress? ip) =>
        ip is null ? host.SequenceEqual(endpoint.AddressUtf8) : ip.Equals(endpoint.IpAddress);

    private static bool KeepsAddress(PoolSnapshot pool, ReadOnlySpan<ushort> kept, Endpoint endpoint)
    {
        foreach (var slot in kept)
        {
            if (pool[slot].AddressUtf8.AsSpan().SequenceEqual(endpoint.AddressUtf8))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Splits an item; port 0 = none given. A text with several colons and no brackets is an IPv6 address.</summary>
    private static bool TrySplit(ReadOnlySpan<byte> item, out ReadOnlySpan<byte> host, out int port)
    {
        host = item;
        port = 0;
        if (item.IsEmpty || item.Length > LongestItem)
        {
            return false;
        }

        var portText = ReadOnlySpan<byte>.Empty;
        if (item[0] == '[')
        {
            var close = item.IndexOf((byte)']');
            if (close < 0)
            {
                return false;
            }

            host = item[1..close];
            portText = item[(close + 1)..];
            if (!portText.IsEmpty && portText[0] != ':')
            {
                return false;
            }

            portText = portText.IsEmpty ? portText : portText[1..];
        }
        else if (item.Count((byte)':') == 1)
        {
            var colon = item.IndexOf((byte)':');
            host = item[..colon];
            portText = item[(colon + 1)..];
        }

        return portText.IsEmpty || (System.Buffers.Text.Utf8Parser.TryParse(portText, out port, out var used) && used == portText.Length);
    }

    private static IPAddress? Parse(ReadOnlySpan<byte> host)
    {
        Span<char> text = stackalloc char[host.Length];
        for (var i = 0; i < host.Length; i++)
        {
            text[i] = (char)host[i];
        }

        return IPAddress.TryParse(text, out var ip) ? (ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip) : null;
    }
}
