using System.Net.Security;
using System.Security.Cryptography;
using Epp.Aot.Telemetry;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Hosting;

/// <summary>
/// The certificate that new connections get. With <see cref="Watch"/> it follows the files of its folder, also through the symlink swap of
/// a mounted Secret: a change is read 250 ms after its last sign; files that cannot be used are logged and counted once and the
/// certificate before them stays. Open connections keep the certificate they began with. Thread-safe.
/// </summary>
internal sealed class CertificateStore : IDisposable
{
    /// <summary>A writer is given this long to finish both files (contract §4.1).</summary>
    public static readonly TimeSpan Debounce = TimeSpan.FromMilliseconds(250);

    /// <summary>Finds what no directory watch sees, such as a change behind a symlink to another file system.</summary>
    public static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly string _folder;
    private readonly CertificateCounters _metrics;
    private readonly ILogger _logger;
    private Lazy<SslStreamCertificateContext> _current;
    private (string Certificates, string Key) _seen;
    private ITimer? _timer;
    private FileSystemWatcher? _watcher;

    private CertificateStore(string folder, Lazy<SslStreamCertificateContext> first, (string Certificates, string Key) files, CertificateCounters metrics, ILogger logger)
    {
        _folder = folder;
        _current = first;
        _seen = files;
        _metrics = metrics;
        _logger = logger;
    }

    /// <summary>
    /// The certificate in force. A self-signed one is made at the first use: making its chain reads every root of the system, most of the
    /// time that a start would take.
    /// </summary>
    public SslStreamCertificateContext Current => Volatile.Read(ref _current).Value;

    /// <summary>
    /// Loads <c>tls.crt</c> and <c>tls.key</c> of a folder, or makes a self-signed certificate for an empty one; null and a line for the
    /// operator, which names the flag, where that fails.
    /// </summary>
    public static CertificateStore? TryOpen(string flag, string folder, CertificateCounters metrics, ILogger logger, TimeProvider time, out string error)
    {
        error = "";
        try
        {
            if (folder.Length == 0)
            {
                return new CertificateStore(folder, new(() => ServerCertificate.SelfSigned(time)), ("", ""), metrics, logger);
            }

            var files = ServerCertificate.ReadFiles(folder);
            var store = new CertificateStore(folder, new(ServerCertificate.Parse(files.Certificates, files.Key)), files, metrics, logger);
            metrics.Reads.Add();
            return store;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            error = $"{flag} {folder}: cannot use tls.crt and tls.key: {e.Message}";
            return null;
        }
    }

    /// <summary>Follows the files until disposed; does nothing for a self-signed certificate.</summary>
    public void Watch(TimeProvider time)
    {
        if (_folder.Length == 0)
        {
            return;
        }

        _timer = time.CreateTimer(static store => ((CertificateStore)store!).Reload(), this, PollInterval, PollInterval);
        try
        {
            // The folder, not the files: a mounted Secret is swapped by renaming a symlink beside them.
            _watcher = new FileSystemWatcher(Path.GetFullPath(_folder))
            {
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size,
            };
            _watcher.Created += Changed;
            _watcher.Changed += Changed;
            _watcher.Deleted += Changed;
            _watcher.Renamed += Changed;
            _watcher.EnableRaisingEvents = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            CertificateLog.WatchFailed(_logger, _folder, PollInterval.TotalSeconds, e.Message);
        }
    }

    /// <summary>Reads the files now; true where another certificate came into force.</summary>
    public bool Reload()
    {
        lock (_gate)
        {
            try
            {
                var files = ServerCertificate.ReadFiles(_folder);
                if (files == _seen)
                {
                    return false;
                }

                _seen = files;
                // The one before is left to the garbage collector: handshakes may be using it.
                var next = ServerCertificate.Parse(files.Certificates, files.Key);
                Volatile.Write(ref _current, new(next));
                _metrics.Reads.Add();
                CertificateLog.Reloaded(_logger, _folder, next.TargetCertificate.Subject, next.TargetCertificate.NotAfter);
                return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                Refuse(e);
                return false;
            }
        }
    }

    public void Dispose()
    {
        _watcher?.Dispose();
        _timer?.Dispose();
    }

    private void Refuse(Exception e)
    {
        // A file that is away is read again at every poll; saying it once is enough.
        var unreadable = ("", e.Message);
        if (e is not CryptographicException)
        {
            if (_seen == unreadable)
            {
                return;
            }

            _seen = unreadable;
        }

        _metrics.Errors.Add();
        CertificateLog.Refused(_logger, _folder, e.Message);
    }

    private void Changed(object sender, FileSystemEventArgs change) => _timer?.Change(Debounce, PollInterval);
}

/// <summary>Messages about certificates. Ids: 1200.</summary>
internal static partial class CertificateLog
{
    [LoggerMessage(EventId = 1200, Level = LogLevel.Information, Message = "New certificate from {Folder}: {Subject}, valid until {NotAfter:u}")]
    public static partial void Reloaded(ILogger logger, string folder, string subject, DateTime notAfter);

    [LoggerMessage(EventId = 1201, Level = LogLevel.Error, Message = "The certificate before stays in use: cannot use tls.crt and tls.key of {Folder}: {Reason}")]
    public static partial void Refused(ILogger logger, string folder, string reason);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Warning, Message = "Cannot watch {Folder}, reading it every {PollSeconds} s instead: {Reason}")]
    public static partial void WatchFailed(ILogger logger, string folder, double pollSeconds, string reason);
}
