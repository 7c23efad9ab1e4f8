using System.Text.Json.Serialization.Metadata;

namespace Epp.Aot.Kubernetes;

/// <summary>Lists all objects of one kind in pages of one resource version.</summary>
internal sealed class ObjectLister<T>(KubeClient client, ReflectorOptions options, JsonTypeInfo<KubeList<T>> listType)
    where T : KubeObject
{
    private static readonly TimeSpan PageTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Pages read so far, for tests.</summary>
    public int Pages { get; private set; }

    /// <summary>Called after each page but the last, for tests: what happens to the server between two pages.</summary>
    public Func<Task>? BetweenPages { get; init; }

    /// <summary>All objects and the version to watch from, or a failure. A continue token that expired starts the list over, once in one piece.</summary>
    public async Task<(List<T>? Objects, string? Version, KubeFailure? Failure)> ListAsync(CancellationToken cancellation)
    {
        var limit = options.PageSize;
        while (true)
        {
            var (objects, version, failure) = await PagesAsync(limit, cancellation).ConfigureAwait(false);
            if (failure is not { Fault: KubeFault.Gone } || limit == 0)
            {
                return (objects, version, failure);
            }

            limit = 0;
        }
    }

    private async Task<(List<T>? Objects, string? Version, KubeFailure? Failure)> PagesAsync(int limit, CancellationToken cancellation)
    {
        var objects = new List<T>();
        var next = "";
        while (true)
        {
            var paging = (limit > 0 ? $"&limit={limit}" : "") + (next.Length > 0 ? "&continue=" + Uri.EscapeDataString(next) : "");
            var query = (options.Query + paging).TrimStart('&');
            var path = options.Resource.Path(options.Namespace) + (query.Length > 0 ? "?" + query : "");
            var (page, failure) = await client.GetAsync(path, listType, PageTimeout, cancellation).ConfigureAwait(false);
            if (failure is not null)
            {
                return (null, null, failure);
            }

            Pages++;
            foreach (var item in page!.Items ?? [])
            {
                if (item?.Metadata is { Name.Length: > 0 })
                {
                    objects.Add(item);
                }
            }

            if (page.Metadata?.ResourceVersion is not { Length: > 0 } version)
            {
                return (null, null, new KubeFailure(KubeFault.Malformed, "a list without resourceVersion"));
            }

            if (page.Metadata.Continue is not { Length: > 0 } token)
            {
                return (objects, version, null);
            }

            next = token;
            if (BetweenPages is { } pause)
            {
                await pause().ConfigureAwait(false);
            }
        }
    }
}
