using Epp.Aot.Configuration;
using Epp.Aot.ExtProc;
using Epp.Aot.Telemetry;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Hosting;

/// <summary>
/// Follows the configuration file (<c>--watch-config</c>) by reading it every two seconds, which also sees a mounted ConfigMap's symlink
/// swap. A valid configuration takes effect with the next request, as a whole; one with errors, or one that changes what only a start can
/// change (dialect, endpoints, scraping, parsers), changes nothing and is logged once.
/// </summary>
internal sealed class ConfigReload : IDisposable
{
    public static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly Func<ConfigReading> _read;
    private readonly SchedulerContext _context;
    private readonly EppMetrics _metrics;
    private readonly Director _director;
    private readonly ILogger _logger;
    private readonly string _path;
    private readonly string _fixedPart;
    private readonly ITimer _timer;
    private byte[] _last = [];
    private string _running;
    private string _lastReadError = "";
    private bool _disposed;

    /// <param name="path">The file.</param>
    /// <param name="read">Reads and checks it as at the start.</param>
    /// <param name="running">The configuration the process started with.</param>
    /// <param name="context">What schedulers are built upon.</param>
    /// <param name="metrics">Where their figures go.</param>
    /// <param name="director">Gets the new plan.</param>
    /// <param name="time">Clock of the poll.</param>
    /// <param name="logger">Says what was applied or why not.</param>
    public ConfigReload(
        string path, Func<ConfigReading> read, EppConfig running, SchedulerContext context, EppMetrics metrics, Director director, TimeProvider time, ILogger logger)
    {
        _path = path;
        _read = read;
        _context = context;
        _metrics = metrics;
        _director = director;
        _logger = logger;
        _fixedPart = ConfigSummary.Fixed(running);
        _running = ConfigSummary.Of(running);
        _timer = time.CreateTimer(static state => ((ConfigReload)state!).Look(), this, PollInterval, PollInterval);
    }

    /// <summary>Reads the file and applies it where it changed; never throws.</summary>
    public void Look()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            try
            {
                var bytes = File.ReadAllBytes(_path);
                if (!bytes.AsSpan().SequenceEqual(_last))
                {
                    _last = bytes;
                    Apply();
                }

                _lastReadError = "";
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (_lastReadError != e.Message)
                {
                    _lastReadError = e.Message;
                    ConfigReloadLog.Kept(_logger, $"{_path}: cannot read the configuration: {e.Message}");
                }
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        _timer.Dispose();
    }

    private void Apply()
    {
        var start = _read();
        foreach (var error in start.Errors)
        {
            ConfigReloadLog.Kept(_logger, error);
        }

        if (start.Config is not { } config)
        {
            return;
        }

        if (ConfigSummary.Fixed(config) is var wanted && wanted != _fixedPart)
        {
            ConfigReloadLog.Kept(_logger, $"{_path}: {Difference(wanted)} needs a restart");
            return;
        }

        if (ConfigSummary.Of(config) is var description && description == _running)
        {
            return;
        }

        _running = description;
        var before = _director.Plan;
        var after = RoutingPlan.Create(config, _context, _metrics, before);
        _director.Plan = after;
        foreach (var producer in before.Scheduler.Producers.Except(after.Scheduler.Producers))
        {
            producer.Detach();
        }

        ConfigReloadLog.Applied(_logger, _path);
        foreach (var warning in start.Warnings)
        {
            Log.ConfigurationWarning(_logger, warning);
        }
    }

    /// <summary>The first line that is not as it was.</summary>
    private string Difference(string wanted)
    {
        var before = _fixedPart.Split('\n');
        var after = wanted.Split('\n');
        var i = before.AsSpan().CommonPrefixLength(after);
        return $"'{(i < after.Length ? after[i].Trim() : "")}' instead of '{(i < before.Length ? before[i].Trim() : "")}'";
    }
}

/// <summary>Messages of the reload. Ids: 1100.</summary>
internal static partial class ConfigReloadLog
{
    [LoggerMessage(EventId = 1100, Level = LogLevel.Information, Message = "Configuration {Path} changed and is in force")]
    public static partial void Applied(ILogger logger, string path);

    [LoggerMessage(EventId = 1101, Level = LogLevel.Error, Message = "The changed configuration is not applied, the one before stays in force: {Problem}")]
    public static partial void Kept(ILogger logger, string problem);
}
