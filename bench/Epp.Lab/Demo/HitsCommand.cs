using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Epp.Lab.Gateway;
using Epp.Lab.Workers;
using Epp.Lab.Workers.Events;

namespace Epp.Lab.Demo;

/// <summary>
/// `epp-lab hits`: is the EPP's idea of what each worker holds exact? One request at a time goes through gateway and EPP to a worker; the
/// scores that the EPP emits, turned into tokens, must equal what every worker's cache would serve at that moment, and what the chosen
/// worker then reports. Caches are small, so that blocks are evicted all the time, and now and then one is emptied.
/// </summary>
internal static class HitsCommand
{
    public static readonly Option[] Options =
    [
        new("epp", "artifacts/epp", "the EPP: a binary, or epp.dll to run with dotnet"),
        new("requests", "10000", "chat requests"),
        new("workers", "4", "simulated workers"),
        new("cache-blocks", "400", "prefix cache of each, blocks of 16 tokens"),
        new("sessions", "24", "conversations that take turns"),
        new("seed", "1", "seed of all text and choices"),
        new("nats", "", "nats://HOST:PORT where workers publish as Dynamo's do; empty = over ZMQ as engines do"),
    ];

    static readonly EngineOptions Instant = EngineOptions.OfBytes with { PrefillTokensPerSecond = int.MaxValue, DecodeMsPerToken = 0 };

    public static async Task<int> RunAsync(Flags flags, CancellationToken stop)
    {
        var engine = Instant with { CacheBlocks = flags.Int("cache-blocks") };
        var workers = flags.Text("nats") is { Length: > 0 } nats
            ? await WorkerSet.StartWithNatsAsync(flags.Int("workers"), engine, nats).ConfigureAwait(false)
            : await WorkerSet.StartWithEventsAsync(flags.Int("workers"), engine).ConfigureAwait(false);
        await using var ownedWorkers = workers.ConfigureAwait(false);
        var epp = await EppProcess.StartAsync(flags.Text("epp"), EppConfig.PrefixOnlyFor(workers), workers, stop, "--emit-endpoint-scores").ConfigureAwait(false);
        await using var ownedEpp = epp.ConfigureAwait(false);
        var gateway = await GatewayServer.StartAsync(0, new Uri($"http://127.0.0.1:{epp.GrpcPort}"), workers.Endpoints).ConfigureAwait(false);
        await using var ownedGateway = gateway.ConfigureAwait(false);

        using var run = new Run(workers, new Uri($"http://127.0.0.1:{gateway.Port}/v1/chat/completions"), new EventWait(epp), new ShortChats(flags.Int("sessions"), flags.Int("seed")));
        await run.UntilConnectedAsync(stop).ConfigureAwait(false);
        var started = Stopwatch.GetTimestamp();
        await run.AskAsync(flags.Int("requests"), stop).ConfigureAwait(false);
        await run.PrintAsync(Stopwatch.GetElapsedTime(started).TotalSeconds, stop).ConfigureAwait(false);
        return run.Exact == flags.Int("requests") ? 0 : 1;
    }

    sealed class Run(WorkerSet workers, Uri address, EventWait events, ShortChats chats) : IDisposable
    {
        const int ShownMismatches = 10;

        readonly HttpClient _client = new();
        readonly string[] _endpoints = workers.Endpoints;
        EventTotals _taken;
        TimeSpan _waited;
        int _requests;
        int _withHit;
        int _toTheEnd;
        long _promptTokens;
        long _cachedTokens;

        public int Exact { get; private set; }

        public Task UntilConnectedAsync(CancellationToken stop) => events.UntilConnectedAsync(workers.Nats.Length > 0 ? 1 : 0, stop);

        public async Task AskAsync(int requests, CancellationToken stop)
        {
            for (_requests = 0; _requests < requests; _requests++)
            {
                if (chats.EmptiesCache)
                {
                    workers.Engines[chats.Worker(_endpoints.Length)].Reset();
                }
                await UntilTakenAsync(stop).ConfigureAwait(false);
                try
                {
                    Exact += await IsExactAsync(chats.Next(), stop).ConfigureAwait(false) ? 1 : 0;
                }
                catch (HttpRequestException e)
                {
                    Console.WriteLine($"request {_requests} failed: {e.Message}");
                }
            }
        }

        async Task UntilTakenAsync(CancellationToken stop)
        {
            var published = workers.Published;
            if (published != _taken)
            {
                var started = Stopwatch.GetTimestamp();
                await events.UntilTakenAsync(published, stop).ConfigureAwait(false);
                _waited += Stopwatch.GetElapsedTime(started);
                _taken = published;
            }
        }

        public async Task PrintAsync(double seconds, CancellationToken stop)
        {
            var kept = await events.KeptAsync(stop).ConfigureAwait(false);
            var published = workers.Published;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"predicted = held = observed: {Exact} of {_requests} requests, {_endpoints.Length} workers each"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{_withHit} requests with a hit, {_toTheEnd} cached to the last block, {_cachedTokens} of {_promptTokens} prompt tokens; events: {published.Stored} blocks stored, {published.Removed} removed, {published.Cleared} caches emptied; {seconds:0.0} s, {_waited.TotalSeconds:0.0} s of it waiting for events"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kept.Prompts} prompts began as one that was kept, {kept.Hashes} of them with known hashes"));
        }

        async Task<bool> IsExactAsync(byte[] body, CancellationToken stop)
        {
            using var document = JsonDocument.Parse(body);
            var prompt = PromptReader.Read(document.RootElement, chat: true, out _)!.Prompt;
            var ids = PromptIds.Of(prompt, 1);
            var held = workers.Engines.Select(e => e.Held(ids)).ToArray();

            using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            using var response = await _client.PostAsync(address, content, stop).ConfigureAwait(false);
            response.EnsureSuccessStatusCode();
            var (promptTokens, cached) = Usage(await response.Content.ReadAsByteArrayAsync(stop).ConfigureAwait(false));
            var scores = EndpointScores.Parse(response.Headers.TryGetValues(EndpointScores.Header, out var values) ? values.First() : "");
            var predicted = _endpoints.Select(e => scores.TryGetValue(e, out var score) ? Hit(score, promptTokens) : -1).ToArray();
            var chosen = Array.IndexOf(_endpoints, response.Headers.GetValues("x-lab-endpoint").First());

            _withHit += cached > 0 ? 1 : 0;
            _toTheEnd += cached > 0 && cached == promptTokens - PrefixCache.BlockTokens && held[chosen] == cached ? 1 : 0;
            _promptTokens += promptTokens;
            _cachedTokens += cached;
            var exact = predicted.AsSpan().SequenceEqual(held) && predicted[chosen] == cached && promptTokens == ids.Length;
            if (!exact && _requests - Exact < ShownMismatches)
            {
                Console.WriteLine($"request {_requests}, {promptTokens} tokens: predicted {string.Join(' ', predicted)}, held {string.Join(' ', held)}, worker {chosen} reports {cached}");
            }
            return exact;
        }

        /// <summary>A score is matched over all full blocks; an engine never serves the block of the last token.</summary>
        static int Hit(double score, int tokens)
        {
            var blocks = tokens / PrefixCache.BlockTokens;
            return PrefixCache.BlockTokens * Math.Min((int)Math.Round(score * blocks), (tokens - 1) / PrefixCache.BlockTokens);
        }

        static (int Prompt, int Cached) Usage(byte[] answer)
        {
            using var document = JsonDocument.Parse(answer);
            var usage = document.RootElement.GetProperty("usage");
            return (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32());
        }

        public void Dispose()
        {
            _client.Dispose();
            events.Dispose();
        }
    }
}
