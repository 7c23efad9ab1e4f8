namespace Epp.Aot.Kubernetes;

/// <summary>
/// The token of each request. A token file is read again at most ten seconds after it changed: the kubelet rotates it well before the old
/// token ends. Thread-safe.
/// </summary>
internal sealed class BearerToken(string? fixedToken, string? path, TimeProvider time)
{
    /// <summary>How old a token read from the file may be.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(10);

    private const int MaxTokenBytes = 64 * 1024;

    private readonly Lock _gate = new();
    private string? _token;
    private long _readAt;
    private bool _read;

    /// <summary>The token now; null = none. A file that cannot be read leaves the last one in force.</summary>
    public string? Current()
    {
        if (path is null)
        {
            return fixedToken;
        }

        lock (_gate)
        {
            if (!_read || time.GetElapsedTime(_readAt) >= MaxAge)
            {
                _token = Read(path) ?? _token ?? fixedToken;
                _readAt = time.GetTimestamp();
                _read = true;
            }

            return _token;
        }
    }

    /// <summary>The server refused the token: the next request reads the file again.</summary>
    public void Distrust()
    {
        lock (_gate)
        {
            _read = false;
        }
    }

    private static string? Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxTokenBytes)
            {
                return null;
            }

            var text = File.ReadAllText(path).Trim();
            return text.Length > 0 && !text.AsSpan().ContainsAny('\r', '\n') ? text : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
