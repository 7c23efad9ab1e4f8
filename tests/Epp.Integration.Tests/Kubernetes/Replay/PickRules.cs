using System.Net;

namespace Epp.Integration.Tests.Kubernetes.Replay;

/// <summary>Which endpoints a picker may name: those of the pool that the hint allows, and none that is plainly worse than another.</summary>
/// <param name="eligible">Addresses by the objects in force; empty = none is eligible.</param>
/// <param name="workers">Their figures.</param>
internal sealed class PickRules(IReadOnlySet<string> eligible, ReplayWorkers workers)
{
    // Weights of the recorded configurations: queue 2, KV usage 2, prefix 3. Where load alone is apart by more than a full prefix match is
    // worth, history cannot have decided.
    private const double LoadWeight = 2;
    private const double PrefixWeight = 3;

    /// <summary>Null where the pick is right.</summary>
    public string? Check(SentExchange sent, string? endpoint)
    {
        if (endpoint is null)
        {
            return null;
        }

        // A picker may name several, best first.
        if (endpoint.Contains(',', StringComparison.Ordinal))
        {
            return endpoint.Split(',').Select(e => Check(sent, e)).FirstOrDefault(static wrong => wrong is not null);
        }

        var allowed = eligible.Where(e => Allows(sent.Subset, e)).ToArray();
        if (!allowed.Contains(endpoint))
        {
            return $"picked {endpoint}, allowed: {string.Join(' ', allowed.Order(StringComparer.Ordinal))}";
        }

        if (sent.Request.Messages == 0)
        {
            return null;
        }

        var live = allowed.Where(e => workers.At(e) is not null).ToArray();
        if (workers.At(endpoint) is null)
        {
            return live.Length > 0 ? $"picked {endpoint}, which was never scraped, before {string.Join(' ', live)}" : null;
        }

        var (own, best) = (Load(live, endpoint), live.Max(e => Load(live, e)));
        return best - own > PrefixWeight ? $"picked {endpoint}, whose load scores {own:0.00} of {best:0.00}" : null;
    }

    private double Load(string[] among, string endpoint)
    {
        var queues = among.Select(e => workers.At(e)!.Waiting).ToArray();
        var worker = workers.At(endpoint)!;
        var queue = queues.Max() == queues.Min() ? 1 : (double)(queues.Max() - worker.Waiting) / (queues.Max() - queues.Min());
        return LoadWeight * (queue + 1 - worker.KvUsage);
    }

    private static bool Allows(IReadOnlyList<string>? subset, string endpoint) => subset is null || subset.Any(item => Address(item) is { } hint && hint.Equals(Address(endpoint)));

    // Every spelling of an address: with and without port and brackets, IPv4 inside IPv6.
    private static IPAddress? Address(string item)
    {
        item = item.Trim();
        if (!IPAddress.TryParse(item, out var address) || (item.Count(c => c == ':') > 1 && item[^1] != ']' && item[0] != '[' && IsPortAtEnd(item)))
        {
            var host = item[..Math.Max(0, item.LastIndexOf(':'))];
            if (!IPAddress.TryParse(host.Trim('[', ']'), out address))
            {
                return null;
            }
        }

        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    // fd00::1:8000 is written without brackets by one of the references: a last group of four digits that is a target port.
    private static bool IsPortAtEnd(string item) => item.AsSpan(item.LastIndexOf(':') + 1) is ['8', '0', '0', _];
}
