using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Kubernetes;

/// <summary>Receives what a <see cref="Reflector{T}"/> sees, on one thread at a time.</summary>
internal interface IObjectSink<T>
    where T : KubeObject
{
    /// <summary>These are all the objects there are.</summary>
    void Replace(IReadOnlyCollection<T> objects);

    /// <summary>One object is new or changed.</summary>
    void Upsert(T changed);

    /// <summary>One object is gone.</summary>
    void Delete(T gone);

    /// <summary>Nothing more is here to be read for now: what changed should show.</summary>
    void Flush();
}

/// <summary>What to watch and how.</summary>
/// <param name="Resource">The kind.</param>
/// <param name="Namespace">Its namespace; empty = all.</param>
/// <param name="Query">Selectors as query parameters, each beginning with <c>&amp;</c>; may be empty.</param>
internal sealed record ReflectorOptions(KubeResource Resource, string Namespace, string Query = "")
{
    /// <summary>Missing rights or a missing kind are no fault: asked again slowly; a missing kind ends the run.</summary>
    public bool Optional { get; init; }

    /// <summary>Wait between attempts at an optional kind that was never allowed.</summary>
    public TimeSpan SlowCheck { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Lists in chunks from the start, for servers known not to stream lists.</summary>
    public bool ListFirst { get; init; }

    /// <summary>Objects of one page of a chunked list.</summary>
    public int PageSize { get; init; } = 500;

    /// <summary>Range of <c>timeoutSeconds</c>, as the references use it.</summary>
    public (int From, int To) WatchSeconds { get; init; } = (300, 600);
}

/// <summary>
/// Keeps a sink equal to the objects of one kind: streams the list or lists in chunks, then watches from its resource version, through
/// bookmarks, ends of watches, cut connections and 410 Gone. Attempts are at most five seconds apart. One run at a time.
/// </summary>
internal sealed partial class Reflector<T>(
    KubeClient client, ReflectorOptions options, JsonTypeInfo<T> type, JsonTypeInfo<KubeList<T>> listType, IObjectSink<T> sink, WatchState state,
    ILogger logger, TimeProvider time, Random random)
    where T : KubeObject
{
    /// <summary>Marks the bookmark that ends the objects of a streamed list.</summary>
    private const string InitialEventsEnd = "k8s.io/initial-events-end";

    /// <summary>Longest wait between attempts.</summary>
    private static readonly TimeSpan MostApart = TimeSpan.FromSeconds(5);

    /// <summary>A streamed list that has not ended by then never will: the server ignores the request for it.</summary>
    private static readonly TimeSpan InitialEventsLimit = TimeSpan.FromSeconds(30);

    /// <summary>Beyond <c>timeoutSeconds</c> the server should have ended the watch.</summary>
    private static readonly TimeSpan Overtime = TimeSpan.FromSeconds(30);

    private readonly JsonTypeInfo<T> _type = type;
    private readonly IObjectSink<T> _sink = sink;
    private readonly WatchState _state = state;
    private readonly TimeProvider _time = time;
    private readonly Backoff _backoff = new(random, MostApart);
    private readonly ObjectLister<T> _lister = new(client, options, listType);
    private bool _listFirst = options.ListFirst;
    private string? _version;
    private bool _gone;

    /// <summary>Resource version up to which everything was seen; null = a new list is due.</summary>
    public string? Version => _version;

    /// <summary>Watches answered, for tests.</summary>
    public int Watches { get; private set; }

    /// <summary>Runs until cancelled, or, for an optional kind, until the server does not know the kind.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var started = _time.GetTimestamp();
                var failure = await AttemptAsync(cancellation).ConfigureAwait(false);
                if (failure is null)
                {
                    _backoff.Reset();
                    continue;
                }

                cancellation.ThrowIfCancellationRequested();
                _state.Failed(failure);
                if (options.Optional && failure.Fault == KubeFault.NotFound)
                {
                    return;
                }

                await Task.Delay(Wait(failure, _time.GetElapsedTime(started)), _time, cancellation).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The owner has had enough.
        }
    }

    private TimeSpan Wait(KubeFailure failure, TimeSpan spent)
    {
        // A server that starts forbids everything until it has read its rules: what was allowed before is asked for soon.
        if (options.Optional && failure.Fault == KubeFault.Forbidden && !_state.Synced)
        {
            return options.SlowCheck;
        }

        var wait = failure.RetryAfter is { } asked && asked < MostApart ? asked : _backoff.Next() - spent;
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    /// <summary>One list or one watch to its end; null = go on at once.</summary>
    private async Task<KubeFailure?> AttemptAsync(CancellationToken cancellation)
    {
        if (_version is null && _listFirst)
        {
            var (objects, version, failure) = await _lister.ListAsync(cancellation).ConfigureAwait(false);
            if (failure is not null)
            {
                return failure;
            }

            _sink.Replace(objects!);
            _sink.Flush();
            _version = version;
            _state.Connected();
        }

        return await WatchAsync(_version is null, cancellation).ConfigureAwait(false);
    }

    private async Task<KubeFailure?> WatchAsync(bool initial, CancellationToken cancellation)
    {
        var seconds = random.Next(options.WatchSeconds.From, options.WatchSeconds.To + 1);
        var from = initial ? "&resourceVersionMatch=NotOlderThan&sendInitialEvents=true" : "&resourceVersion=" + Uri.EscapeDataString(_version!);
        var (response, failure) = await client.OpenAsync(
            $"{options.Resource.Path(options.Namespace)}?watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}{options.Query}{from}", cancellation).ConfigureAwait(false);
        if (response is null)
        {
            return Refused(failure!, initial);
        }

        using (response)
        {
            Watches++;
            using var deadline = new CancellationTokenSource(initial ? InitialEventsLimit : TimeSpan.FromSeconds(seconds) + Overtime, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
            var watch = new OneWatch(this, initial, deadline, TimeSpan.FromSeconds(seconds) + Overtime);
            try
            {
                using var stream = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
                return await watch.ReadAsync(stream, either.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException or OperationCanceledException)
            {
                cancellation.ThrowIfCancellationRequested();
                return watch.Broken(e);
            }
        }
    }

    /// <summary>Refusals that say how to ask differently are no failures.</summary>
    private KubeFailure? Refused(KubeFailure failure, bool initial)
    {
        if (initial && failure.Fault == KubeFault.Refused)
        {
            KubeLog.NoStreamedLists(logger, options.Resource.FullName, failure);
            _listFirst = true;
            return null;
        }

        return failure.Fault == KubeFault.Gone ? StartOver(failure) : failure;
    }

    /// <summary>A new list, at once; a second time in a row, after a wait.</summary>
    private KubeFailure? StartOver(KubeFailure gone)
    {
        KubeLog.Relist(logger, options.Resource.FullName, gone.Message);
        _version = null;
        (var again, _gone) = (_gone, true);
        return again ? gone : null;
    }
}
