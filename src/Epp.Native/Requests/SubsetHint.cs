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

    private readonly List<System.Net.IPAddress> _addresses = [];

    /// <summary>True when the gateway sent a list, even an empty one (then nothing matches).</summary>
    public bool Present { get; set; }

    /// <summary>Addresses understood.</summary>
    public int Count => _addresses.Count;

    /// <summary>Adds one item of the list: <c>ip</c>, <c>ip:port</c>, <c>[v6]:port</c>. Others, blanks around an address included, are ignored.</summary>
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

        return false;
    }

    /// <summary>Forgets the hint.</summary>
    public void Clear()
    {
        Present = false;
        _addresses.Clear();
    }

    private static bool TryParse(ReadOnlySpan<char> text, out System.Net.IPAddress address)
    {
        if (text[0] == '[')
        {
            var close = text.IndexOf(']');
            text = close < 0 ? text[1..] : text[1..close];
        }
        else if (!System.Net.IPAddress.TryParse(text, out _) && text.LastIndexOf(':') is var colon and >= 0)
        {
            text = text[..colon];
        }

        if (!System.Net.IPAddress.TryParse(text, out address!))
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
