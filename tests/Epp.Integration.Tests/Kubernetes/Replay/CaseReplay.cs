using System.Diagnostics;
using System.Text.Json;
using Epp.Testing;
using Proto = Epp.Testing.Protos;

namespace Epp.Integration.Tests.Kubernetes.Replay;

/// <summary>What became of one case.</summary>
/// <param name="Differences">From the recording; empty = the same effect.</param>
/// <param name="Violations">Of what holds whatever the reference did: the picks, and an answer to everything.</param>
/// <param name="Exchanges">Our answers, in order.</param>
internal sealed record CaseOutcome(List<string> Differences, List<string> Violations, List<AnsweredExchange> Exchanges);

/// <summary>Replays cases of one configuration against one running EPP.</summary>
internal sealed class CaseReplay(EppProcess epp, ReplayCluster cluster, ReplayWorkers workers, string stack, JsonElement baseObjects)
{
    // After this long a change must be in force. The references take up to 10 ms; the machine may be busy.
    private static readonly TimeSpan InForce = TimeSpan.FromSeconds(5);

    private static readonly HttpClient Http = new() { Timeout = Wait.Limit };

    private HashSet<int> _held = [];
    private bool _loaded;

    public async Task<CaseOutcome> RunAsync(RecordedCase recorded)
    {
        workers.Set(recorded.WorkerSettings);
        (_held, _loaded) = (recorded.Held, recorded.WorkerSettings.Any());
        var changed = await cluster.BecomeAsync(recorded.Changes.Count > 0 ? baseObjects : recorded.Objects);
        foreach (var change in recorded.Changes)
        {
            await cluster.ApplyAsync(change);
        }

        var eligible = ReplayCluster.Eligible(recorded.Objects, stack);
        var (differences, violations, exchanges) = (new List<string>(), new List<string>(), new List<AnsweredExchange>());
        if (await UntilPoolAsync(eligible) is { } wrong)
        {
            violations.Add(wrong);
        }

        var isFirst = true;
        foreach (var segment in Segments(recorded.Events))
        {
            foreach (var change in segment.Changes)
            {
                await cluster.ApplyAsync(change);
            }

            // Only the objects at the start are recorded; later the hint of the exchange says what may be picked.
            var rules = isFirst && violations.Count == 0 ? new PickRules(eligible, workers) : null;
            var result = await RunSegmentAsync(segment.Events, rules, changed || recorded.Changes.Count > 0 || segment.Changes.Count > 0);
            differences.AddRange(result.Differences);
            violations.AddRange(result.Violations);
            exchanges.AddRange(result.Exchanges);
            isFirst = false;
        }

        if (Sticky(recorded, exchanges) is { } spread)
        {
            differences.Add(spread);
        }

        return new CaseOutcome(differences, violations, exchanges);
    }

    private async Task<CaseOutcome> RunSegmentAsync(IReadOnlyList<RecordedEvent> events, PickRules? rules, bool changed)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var outcome = await RunOnceAsync(events, rules);
            if (!changed || outcome is { Differences.Count: 0, Violations.Count: 0 } || watch.Elapsed > InForce)
            {
                return outcome;
            }

            await Task.Delay(50);
        }
    }

    private async Task<CaseOutcome> RunOnceAsync(IReadOnlyList<RecordedEvent> events, PickRules? rules)
    {
        var streams = new SortedDictionary<int, ReplayStream>();
        var recorded = events.OfType<RecordedMessage>().GroupBy(m => m.Stream).ToDictionary(
            g => g.Key,
            g => (Sent: SentExchange.Of(g.Where(m => m.FromProxy).Select(m => m.Bytes)),
                Answered: AnsweredExchange.Of(g.Where(m => !m.FromProxy).Select(m => Proto.ProcessingResponse.Parser.ParseFrom(m.Bytes)))));
        try
        {
            foreach (var item in events)
            {
                await StepAsync(item, streams, recorded);
            }

            var outcome = new CaseOutcome([], [], []);
            foreach (var (n, stream) in streams)
            {
                var (sent, answered) = recorded[n];
                await SettleAsync(stream, sent);
                Judge(outcome, n, sent, answered, stream, events.OfType<RecordedEnd>().FirstOrDefault(e => e.Stream == n), rules);
            }

            return outcome;
        }
        finally
        {
            foreach (var stream in streams.Values)
            {
                await stream.DisposeAsync();
            }
        }
    }

    private async Task StepAsync(RecordedEvent item, SortedDictionary<int, ReplayStream> streams, Dictionary<int, (SentExchange Sent, AnsweredExchange Answered)> recorded)
    {
        switch (item)
        {
            case RecordedMessage { FromProxy: true } message:
                if (!streams.TryGetValue(message.Stream, out var stream))
                {
                    streams[message.Stream] = stream = new ReplayStream(epp);
                }

                await stream.SendAsync(message.Bytes);
                break;
            case RecordedMessage message when streams.TryGetValue(message.Stream, out var answering):
                if (_held.Contains(message.Stream))
                {
                    workers.Set([]);
                }

                var one = AnsweredExchange.Of([Proto.ProcessingResponse.Parser.ParseFrom(message.Bytes)]);
                var sent = recorded[message.Stream].Sent;
                await answering.UntilAsync(a => AnsweredExchange.Of(a) is var ours && (Reaches(ours, one) || (one.Immediate is not null && ours.Completes(sent))));
                break;
            case RecordedClose close when streams.TryGetValue(close.Stream, out var closing):
                await SettleAsync(closing, recorded[close.Stream].Sent);
                await closing.CloseAsync(close.IsReset);
                break;
            // Another answer than the recorded one need not end the stream.
            case RecordedEnd end when streams.TryGetValue(end.Stream, out var ending) && AnsweredExchange.Of(ending.Answers).Refusal == recorded[end.Stream].Answered.Refusal:
                await ending.UntilEndAsync();
                break;
            default:
                break;
        }
    }

    private static bool Reaches(AnsweredExchange ours, AnsweredExchange one) => ours.Immediate is not null
        || (one.Immediate is null && Reaches(ours.Request, one.Request) && Reaches(ours.Response, one.Response));

    private static bool Reaches(AnsweredPhase ours, AnsweredPhase one) =>
        (one.Headers is null || ours.Headers is not null) && (one.Messages == 0 || ours.Messages > 0) && (!one.IsEnded || ours.IsEnded) && (!one.HasTrailers || ours.HasTrailers);

    // A recorded proxy may close before everything is answered, where the reference hangs; here all of it has its answer.
    private static Task SettleAsync(ReplayStream stream, SentExchange sent) =>
        stream.UntilAsync(a => AnsweredExchange.Of(a).Completes(sent), TimeSpan.FromSeconds(1));

    private void Judge(
        CaseOutcome outcome, int n, SentExchange sent, AnsweredExchange recorded, ReplayStream stream, RecordedEnd? end, PickRules? rules)
    {
        var ours = AnsweredExchange.Of(stream.Answers);
        outcome.Exchanges.Add(ours);
        outcome.Differences.AddRange(EffectComparison.Differences(sent, recorded, ours).Select(d => $"stream {n}: {d}"));
        if (end is not null && stream.End?.Code != end.Code)
        {
            outcome.Differences.Add($"stream {n}: ended with {end.Code} {end.Message}, ours {stream.End}");
        }

        if (rules?.Check(sent, ours.Endpoint) is { } wrong)
        {
            outcome.Violations.Add($"stream {n}: {wrong}");
        }

        // A client that left while the load held its request got no answer: none is due here either.
        var left = _loaded && end is null && !recorded.HasAny && !ours.HasAny;
        if (!left && !ours.Completes(sent))
        {
            outcome.Violations.Add($"stream {n}: not everything is answered");
        }
    }

    /// <summary>Where many recorded requests with a body all went to one endpoint, ours do: history keeps them there.</summary>
    private static string? Sticky(RecordedCase recorded, IReadOnlyList<AnsweredExchange> ours)
    {
        const int Many = 4;
        var then = recorded.Events.OfType<RecordedMessage>().Where(m => !m.FromProxy && m.Kind == "request_headers")
            .Select(m => AnsweredExchange.Of([Proto.ProcessingResponse.Parser.ParseFrom(m.Bytes)]).Endpoint).ToArray();
        var now = ours.Select(e => e.Endpoint).Where(e => e is not null).Distinct().ToArray();
        return then.Length >= Many && then.Distinct().Count() == 1 && now.Length > 1 ? $"recorded {then.Length} picks of {then[0]}, ours of {string.Join(' ', now)}" : null;
    }

    private static IEnumerable<(List<ApiChange> Changes, List<RecordedEvent> Events)> Segments(IReadOnlyList<RecordedEvent> events)
    {
        var (changes, part) = (new List<ApiChange>(), new List<RecordedEvent>());
        foreach (var item in events)
        {
            if (item is ApiChange change)
            {
                if (part.Count > 0)
                {
                    yield return (changes, part);
                    (changes, part) = ([], []);
                }

                changes.Add(change);
            }
            else
            {
                part.Add(item);
            }
        }

        yield return (changes, part);
    }

    /// <summary>Waits until the EPP has exactly these endpoints, scraped with the present figures; what is wrong after the limit.</summary>
    private async Task<string?> UntilPoolAsync(HashSet<string> eligible)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var pool = JsonDocument.Parse(await Http.GetStringAsync($"http://127.0.0.1:{epp.MetricsPort}/debug/pool")).RootElement;
            var present = pool.GetProperty("endpoints").EnumerateArray().ToDictionary(e => e.GetProperty("address").GetString()!);
            if (eligible.SetEquals(present.Keys) && present.All(e => IsScraped(e.Key, e.Value)))
            {
                return null;
            }

            if (watch.Elapsed > InForce)
            {
                return $"the pool is [{string.Join(' ', present.Keys.Order(StringComparer.Ordinal))}], by its objects [{string.Join(' ', eligible.Order(StringComparer.Ordinal))}]";
            }

            await Task.Delay(15);
        }
    }

    private bool IsScraped(string address, JsonElement endpoint) => workers.At(address) is not { } worker
        || (endpoint.GetProperty("live").GetBoolean() && endpoint.GetProperty("waiting").GetDouble() == worker.Waiting
            && endpoint.TryGetProperty("kvUsage", out var kv) && Math.Abs(kv.GetDouble() - worker.KvUsage) < 1e-6);
}
