using Microsoft.AspNetCore.Http;

namespace Epp.Lab.Gateway;

/// <summary>Ordered header list with lower-case names, as Envoy shows it to an EPP; repeated headers stay repeated.</summary>
internal sealed class HeaderList
{
    // Connection-bound in HTTP/1.1 (RFC 9110 section 7.6.1), set anew on each hop.
    static readonly HashSet<string> HopByHop = new(StringComparer.Ordinal)
    {
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect",
    };

    // Envoy ignores mutations of these.
    static readonly HashSet<string> Protected = new(StringComparer.Ordinal) { ":method", ":authority", ":scheme", "host" };

    readonly List<(string Name, string Value)> _items = [];

    public IEnumerable<(string Name, string Value)> Items => _items;

    public void Add(string name, string value) => _items.Add((name.ToLowerInvariant(), value));

    public string? Find(string name) => _items.Find(h => h.Name == name).Value;

    /// <summary>Unset append = overwrite or add; removals of pseudo headers are ignored.</summary>
    public void Apply(HeaderChanges changes)
    {
        foreach (var (name, value, append) in changes.Set)
        {
            var key = name.ToLowerInvariant();
            if (Protected.Contains(key) || value.Length == 0)
            {
                continue;
            }
            var at = _items.FindIndex(h => h.Name == key);
            if (append || at < 0)
            {
                _items.Add((key, value));
                continue;
            }
            _items[at] = (key, value);
            for (var i = _items.Count - 1; i > at; i--)
            {
                if (_items[i].Name == key)
                {
                    _items.RemoveAt(i);
                }
            }
        }
        foreach (var name in changes.Remove)
        {
            _items.RemoveAll(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase) && h.Name[0] != ':' && h.Name != "host");
        }
    }

    /// <summary>True for a header that travels on to the next hop; body lengths are set by the framing, not forwarded.</summary>
    public static bool IsForwarded(string name) =>
        name.Length > 0 && name[0] != ':' && name is not ("host" or "content-length") && !HopByHop.Contains(name);

    /// <summary>The request headers Envoy would show: pseudo headers first, then the client's, then forwarding headers and a request id.</summary>
    public static HeaderList FromRequest(HttpRequest request)
    {
        var list = new HeaderList();
        list.Add(":authority", request.Host.Value ?? "");
        list.Add(":path", request.Path.ToUriComponent() + request.QueryString.ToUriComponent());
        list.Add(":method", request.Method);
        list.Add(":scheme", "http");
        foreach (var (name, values) in request.Headers)
        {
            var key = name.ToLowerInvariant();
            if (key is "host" or "connection" or "keep-alive" or "expect")
            {
                continue;
            }
            foreach (var value in values)
            {
                list.Add(key, value ?? "");
            }
        }
        list.Add("x-forwarded-for", request.HttpContext.Connection.RemoteIpAddress?.ToString() ?? "127.0.0.1");
        list.Add("x-forwarded-proto", "http");
        if (list.Find("x-request-id") is null)
        {
            list.Add("x-request-id", Guid.NewGuid().ToString());
        }
        return list;
    }

    public static HeaderList FromResponse(HttpResponseMessage response)
    {
        var list = new HeaderList();
        list.Add(":status", ((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture));
        foreach (var (name, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
        {
            foreach (var value in values)
            {
                list.Add(name, value);
            }
        }
        return list;
    }
}
