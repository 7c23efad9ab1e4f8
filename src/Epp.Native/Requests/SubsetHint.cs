using System.Globalization;
using System.Net;
using Epp.Native.Pool;

namespace Epp.Native.Requests;

/// <summary>
/// The gateway's subset hint (contract §2.3): addresses the pick must stay within. Ports are ignored, every spelling of an IPv6
/// literal matches. Not thread-safe; reused.
/// </summary>
public sealed class SubsetHint
{
    /// <summary>Most addresses kept; what follows is ignored.</summary>
    public const int MaxAddresses = 4096;

    private readonly List<IPAddress> _addresses = [];
    private readonly List<IPEndPoint> _unbracketed = [];

    /// <summary>True when the gateway sent a list, even an empty one (then nothing matches).</summary>
    public bool Present { get; set; }

    /// <summary>Addresses understood.</summary>
    public int Count => _addresses.Count;

    /// <summary>
    /// Adds one item of the list: <c>ip</c>, <c>ip:port</c>, <c>[v6]:port</c>, and <c>v6:port</c> as llm-d writes it. Others, blanks around an
    /// address included, are ignored.
    /// </summary>
    public void Add(ReadOnlySpan<byte> item)
    {
        if (item.IsEmpty || item.Length > 128 || _addresses.Count == MaxAddresses)
        {
            return;
        }

        Span<char> text = stackalloc char[item.Length];
        for (var i = 0; i < item.Length; i++)
        {
            text[i] = (char)item[i];
        }

        if (TryParse(text, out var address))
        {
            _addresses.Add(address);
        }

        // fd00::1:8000 is an address, and also fd00::1 with a port: it stands for the endpoint of that port too.
        var colon = text.LastIndexOf(':');
        if (text[0] != '[' && text.IndexOf(':') != colon && TryParse(text[..colon], out address)
            && ushort.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            _unbracketed.Add(new IPEndPoint(address, port));
        }
    }

    /// <summary>True when no hint is present or the endpoint's address is in it.</summary>
    public bool Allows(Endpoint endpoint)
    {
        if (!Present)
        {
            return true;
        }

        foreach (var address in _addresses)
        {
            if (address.Equals(endpoint.IpAddress))
            {
                return true;
            }
        }

        foreach (var spelled in _unbracketed)
        {
            if (spelled.Port == endpoint.Port && spelled.Address.Equals(endpoint.IpAddress))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Forgets the hint.</summary>
    public void Clear()
    {
        Present = false;
        _addresses.Clear();
        _unbracketed.Clear();
    }

    private static bool TryParse(ReadOnlySpan<char> text, out IPAddress address)
    {
        if (text[0] == '[')
        {
            var close = text.IndexOf(']');
            text = close < 0 ? text[1..] : text[1..close];
        }
        else if (!IPAddress.TryParse(text, out _) && text.LastIndexOf(':') is var colon and >= 0)
        {
            text = text[..colon];
        }

        if (!IPAddress.TryParse(text, out address!))
        {
            return false;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return true;
    }
}
