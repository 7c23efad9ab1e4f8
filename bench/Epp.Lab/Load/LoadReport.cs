namespace Epp.Lab.Load;

/// <summary>What a workload saw: one entry per finished request; thread-safe to add to.</summary>
internal sealed class LoadReport
{
    readonly Lock _lock = new();
    readonly List<double> _firstTokenMs = [];

    public int Failed { get; private set; }

    public string? FirstError { get; private set; }

    public long PromptTokens { get; private set; }

    public long CachedTokens { get; private set; }

    public double Seconds { get; set; }

    public SortedDictionary<string, int> PerWorker { get; } = new(StringComparer.Ordinal);

    public int Requests => _firstTokenMs.Count;

    /// <summary>Cached prompt tokens over all prompt tokens, 0 to 1.</summary>
    public double HitRate => PromptTokens == 0 ? 0 : (double)CachedTokens / PromptTokens;

    public void Add(string worker, double firstTokenMs, long promptTokens, long cachedTokens)
    {
        lock (_lock)
        {
            _firstTokenMs.Add(firstTokenMs);
            PromptTokens += promptTokens;
            CachedTokens += cachedTokens;
            PerWorker[worker] = PerWorker.GetValueOrDefault(worker) + 1;
        }
    }

    /// <summary>Adds everything that another part of the same run saw.</summary>
    public void Add(LoadReport other)
    {
        lock (_lock)
        {
            _firstTokenMs.AddRange(other._firstTokenMs);
            PromptTokens += other.PromptTokens;
            CachedTokens += other.CachedTokens;
            Seconds += other.Seconds;
            Failed += other.Failed;
            FirstError ??= other.FirstError;
            foreach (var (worker, requests) in other.PerWorker)
            {
                PerWorker[worker] = PerWorker.GetValueOrDefault(worker) + requests;
            }
        }
    }

    public void Fail(string error)
    {
        lock (_lock)
        {
            Failed++;
            FirstError ??= error;
        }
    }

    /// <summary>Time to the first token in ms; <paramref name="quantile"/> 0 to 1, nearest rank.</summary>
    public double FirstTokenMs(double quantile)
    {
        lock (_lock)
        {
            _firstTokenMs.Sort();
            return _firstTokenMs.Count == 0 ? 0 : _firstTokenMs[(int)Math.Ceiling(quantile * _firstTokenMs.Count) - 1 is var i && i < 0 ? 0 : i];
        }
    }
}
