using System.Text;
using System.Text.Json;
using Epp.Testing;
using Proto = Epp.Testing.Protos;

namespace Epp.Integration.Tests.Kubernetes.Replay;

/// <summary>
/// Compares two answers to the same messages by what they do: the headers, body, metadata, status and end that result. The references set
/// every received header again and write JSON anew, so neither the form of a mutation nor the layout of a document counts.
/// </summary>
internal static class EffectComparison
{
    private const int ChunkLimit = 62_000;

    /// <summary>Set by the picker alone; what a client sends by these names goes no further (contract §0a).</summary>
    private static readonly string[] PickersOwn =
    [
        "x-gateway-destination-endpoint", "x-prefiller-host-port", "x-data-parallel-host-port", "x-encoder-hosts-ports", "x-kv-cache-source-host-port",
    ];

    /// <summary>Every difference in effect, each as one line.</summary>
    public static IEnumerable<string> Differences(SentExchange sent, AnsweredExchange recorded, AnsweredExchange ours)
    {
        if (recorded.Refusal != ours.Refusal)
        {
            yield return $"refusal: recorded [{recorded.Refusal}], ours [{ours.Refusal}]";
        }

        var phases = Phase("request", sent.Request, recorded.Request, ours.Request).Concat(Phase("response", sent.Response, recorded.Response, ours.Response));
        foreach (var difference in phases.Concat(Metadata(recorded, ours)))
        {
            yield return difference;
        }
    }

    private static IEnumerable<string> Phase(string name, SentPhase sent, AnsweredPhase recorded, AnsweredPhase ours)
    {
        var (was, now) = (Shape(recorded), Shape(ours));
        if (was != now)
        {
            yield return $"{name}: recorded {was}, ours {now}";
            yield break;
        }

        if (ours.Headers is not null)
        {
            foreach (var difference in Headers(name, sent, recorded, ours))
            {
                yield return difference;
            }
        }

        if (ours.Messages > 0 && Body(sent, recorded, ours) is { } body)
        {
            yield return $"{name} body: {body}";
        }

        if (ours.LargestMessage > ChunkLimit)
        {
            yield return $"{name} body: a message of {ours.LargestMessage} bytes";
        }
    }

    private static string Shape(AnsweredPhase phase) => !phase.Any
        ? "nothing"
        : string.Join('+', new[] { phase.Headers is null ? "" : "headers", phase.Messages > 0 ? "body" : "", phase.IsEnded ? "end" : "", phase.HasTrailers ? "trailers" : "" }.Where(p => p.Length > 0));

    private static IEnumerable<string> Headers(string name, SentPhase sent, AnsweredPhase recorded, AnsweredPhase ours)
    {
        var (was, now) = (Result(sent.Headers ?? [], recorded.Headers!), Result(sent.Headers ?? [], ours.Headers!));
        var received = (sent.Headers ?? []).GroupBy(h => h.Name).ToDictionary(g => g.Key, g => string.Join(" | ", g.Select(h => h.Value)));
        foreach (var header in was.Keys.Union(now.Keys).Order(StringComparer.Ordinal))
        {
            var (old, own) = (was.GetValueOrDefault(header), now.GetValueOrDefault(header));
            var fine = header switch
            {
                "content-length" => own is null || own == $"{ours.Body.Length}" || own == received.GetValueOrDefault(header),
                "x-request-id" when !received.ContainsKey(header) => old is not null && own?.Length == old.Length,
                _ when name == "request" && PickersOwn.Contains(header) => (old is null || own is not null || header != PickersOwn[0]) && (own is null || own != received.GetValueOrDefault(header)),
                // The references keep the last of a repeated header; here all stay (contract §0a).
                _ when received.TryGetValue(header, out var all) && all.Contains(" | ", StringComparison.Ordinal) => own == all,
                _ => old == own,
            };
            if (!fine)
            {
                yield return $"{name} header {header}: recorded '{old}', ours '{own}'";
            }
        }

        var (clearedThen, clearsNow) = (recorded.Headers!.RequestHeaders?.Response?.ClearRouteCache, ours.Headers!.RequestHeaders?.Response?.ClearRouteCache);
        if (clearedThen != clearsNow)
        {
            yield return $"{name}: clear_route_cache recorded {clearedThen}, ours {clearsNow}";
        }
    }

    /// <summary>The headers that go on after a mutation; values of one name together.</summary>
    private static Dictionary<string, string> Result(IReadOnlyList<(string Name, string Value)> received, Proto.ProcessingResponse answer)
    {
        var result = received.GroupBy(h => h.Name).ToDictionary(g => g.Key, g => string.Join(" | ", g.Select(h => h.Value)), StringComparer.Ordinal);
        foreach (var name in answer.Removed())
        {
            result.Remove(name.ToLowerInvariant());
        }

        foreach (var option in answer.Mutation()?.SetHeaders ?? [])
        {
            result[option.Header.Key.ToLowerInvariant()] = option.Header.RawValue.ToStringUtf8();
        }

        return result;
    }

    private static string? Body(SentPhase sent, AnsweredPhase recorded, AnsweredPhase ours)
    {
        var (old, own, original) = (recorded.Body.ToArray(), ours.Body.ToArray(), sent.Body.ToArray());
        if (own.AsSpan().SequenceEqual(old))
        {
            return null;
        }

        // Written anew by the reference: the same document, and ours is the received text unless its content had to change.
        var same = JsonEqual(old, own);
        var changed = !JsonEqual(old, original);
        return same && (changed || own.AsSpan().SequenceEqual(original)) ? null : $"recorded {Show(old)}, ours {Show(own)}";
    }

    private static string Show(byte[] body) => $"{body.Length} B {Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 240)))}";

    private static bool JsonEqual(byte[] left, byte[] right)
    {
        try
        {
            using var a = JsonDocument.Parse(left);
            using var b = JsonDocument.Parse(right);
            return Equal(a.RootElement, b.RootElement);
        }
        catch (JsonException)
        {
            return left.AsSpan().SequenceEqual(right);
        }
    }

    private static bool Equal(JsonElement a, JsonElement b)
    {
        if (a.ValueKind != b.ValueKind)
        {
            return false;
        }

        return a.ValueKind switch
        {
            JsonValueKind.Object => Members(a) is var x && Members(b) is var y && x.Count == y.Count && x.All(m => y.TryGetValue(m.Key, out var other) && Equal(m.Value, other)),
            JsonValueKind.Array => a.GetArrayLength() == b.GetArrayLength() && a.EnumerateArray().Zip(b.EnumerateArray()).All(p => Equal(p.First, p.Second)),
            JsonValueKind.Number => a.GetDouble().Equals(b.GetDouble()),
            JsonValueKind.String => Text(a) == Text(b),
            _ => true,
        };
    }

    // A string of invalid UTF-8 is what its bytes say, replacement characters for the invalid ones.
    private static string Text(JsonElement item)
    {
        try
        {
            return item.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Encoding.UTF8.GetString(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(item)[1..^1]);
        }
    }

    // Of two members of one name the last counts, as for the references' parser.
    private static Dictionary<string, JsonElement> Members(JsonElement item)
    {
        var members = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in item.EnumerateObject())
        {
            members[member.Name] = member.Value;
        }

        return members;
    }

    /// <summary>The same names of metadata; the destination in it is the header's.</summary>
    private static IEnumerable<string> Metadata(AnsweredExchange recorded, AnsweredExchange ours)
    {
        var (was, now) = (Names(recorded.Request.Headers), Names(ours.Request.Headers));
        if (recorded.Request.Headers is not null && ours.Request.Headers is not null && was != now)
        {
            yield return $"metadata: recorded {was}, ours {now}";
        }

        if (ours.Request.Headers is { } headers && headers.Destination() != ours.Endpoint)
        {
            yield return $"metadata says {headers.Destination()}, the header {ours.Endpoint}";
        }
    }

    private static string Names(Proto.ProcessingResponse? message) => string.Join(
        ' ', (message?.DynamicMetadata?.Fields ?? []).SelectMany(n => (n.Value.StructValue?.Fields.Keys ?? []).Select(k => $"{n.Key}/{k}")).Order(StringComparer.Ordinal));
}
