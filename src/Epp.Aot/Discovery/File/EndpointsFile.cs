using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Epp.Aot.Configuration;
using Epp.Native.Pool;

namespace Epp.Aot.Discovery.File;

/// <summary>
/// The endpoints file (contract §6.5), YAML or JSON, at most 1 MiB:
/// <c>endpoints: [{name, namespace, address, port, labels}]</c>. Wider than llm-d's: IPv6 literals and numeric ports are accepted too.
/// Unknown keys are ignored.
/// </summary>
public static class EndpointsFile
{
    private const int LongestName = 253;

    /// <summary>The endpoints, or every error of the file. Never throws for any input.</summary>
    /// <param name="utf8">The text.</param>
    /// <param name="source">Its path, for messages.</param>
    public static EndpointsFileResult Parse(ReadOnlySpan<byte> utf8, string source)
    {
        var problems = new Problems(source);
        var endpoints = new List<Endpoint>();
        if (YamlTree.Read(utf8, problems) is { } root && MapReader.Of(root, "", problems) is { } top)
        {
            ReadAll(top, endpoints);
        }

        return new EndpointsFileResult(problems.Errors.Count == 0 ? endpoints : null, problems.Errors);
    }

    private static void ReadAll(MapReader top, List<Endpoint> endpoints)
    {
        // A file cut off by a writer in mid-air is often empty: that is no order to drop the pool. `endpoints: []` is.
        if (!top.Node.Entries.Exists(e => e.Key.Text == "endpoints"))
        {
            top.Problems.Error(top.Node.Entries.Count == 0 ? null : top.Node, "endpoints", "is missing; expected a list of endpoints, or [] for none");
            return;
        }

        var names = new Dictionary<(string, string), int>();
        foreach (var item in top.Maps("endpoints"))
        {
            if (Read(item) is not { } endpoint)
            {
                continue;
            }

            if (!names.TryAdd((endpoint.Namespace, endpoint.Name), item.Node.Line))
            {
                item.Problems.Error(item.Node, item.PathOf("name"), $"'{endpoint.Namespace}/{endpoint.Name}' is in line {names[(endpoint.Namespace, endpoint.Name)]} already; expected a name of its own");
                continue;
            }

            endpoints.Add(endpoint);
        }

        if (endpoints.Count > Pool.MaxEndpoints)
        {
            top.Problems.Error(top.Value("endpoints"), "endpoints", $"found {endpoints.Count} endpoints; the limit is {Pool.MaxEndpoints}");
        }
    }

    private static Endpoint? Read(MapReader item)
    {
        var name = ReadName(item, item.RequiredText("name", "the endpoint's name"), "name");
        var ns = ReadName(item, item.Text("namespace") is { Length: > 0 } given ? given : "default", "namespace");
        var address = ReadAddress(item);
        var port = ReadPort(item);
        var labels = ReadLabels(item);
        return name is null || ns is null || address is null || port == 0 ? null : new Endpoint(ns, name, address, port, labels);
    }

    private static string? ReadName(MapReader item, string? name, string key)
    {
        if (name is null || (name.Length <= LongestName && !name.Any(char.IsControl)))
        {
            return name;
        }

        item.Problems.Error(item.Value(key), item.PathOf(key), $"expected at most {LongestName} printable characters");
        return null;
    }

    private static string? ReadAddress(MapReader item)
    {
        const string Expected = "an IPv4 or IPv6 address such as 10.0.0.1 or fd00::1";
        if (item.RequiredText("address", Expected) is not { } text)
        {
            return null;
        }

        var bare = text.StartsWith('[') && text.EndsWith(']') ? text[1..^1] : text;
        // The parser also takes 1, 127.1 and 0x7f.1 for IPv4 and zones for IPv6; only the plain spellings name the same host everywhere.
        if (IPAddress.TryParse(bare, out var ip)
            && !bare.Contains('%', StringComparison.Ordinal)
            && (ip.AddressFamily == AddressFamily.InterNetworkV6 || ip.ToString() == text))
        {
            return ip.ToString();
        }

        item.Problems.Error(item.Value("address"), item.PathOf("address"), $"found '{text}', expected {Expected}; host names are not resolved");
        return null;
    }

    private static int ReadPort(MapReader item)
    {
        if (item.RequiredText("port", "a port from 1 to 65535") is not { } text)
        {
            return 0;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is >= 1 and <= 65535)
        {
            return port;
        }

        item.Problems.Error(item.Value("port"), item.PathOf("port"), $"found '{text}', expected a port from 1 to 65535");
        return 0;
    }

    private static Dictionary<string, string> ReadLabels(MapReader item)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        if (item.Map("labels") is { } map)
        {
            foreach (var (key, _) in map.Node.Entries)
            {
                labels[key.Text] = map.Text(key.Text) ?? "";
            }
        }

        return labels;
    }
}

/// <summary>Endpoints, or errors.</summary>
/// <param name="Endpoints">Null where there are errors.</param>
/// <param name="Errors">All of them.</param>
public sealed record EndpointsFileResult(IReadOnlyList<Endpoint>? Endpoints, IReadOnlyList<ConfigProblem> Errors);
