using System.Security.Cryptography;
using Epp.Aot.Telemetry;
using Epp.Native;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Tracing;

/// <summary>Tracer and exporter as flags and environment ask for them; both absent where tracing is off. Owns the exporter.</summary>
internal sealed class TraceSetup : IAsyncDisposable
{
    private readonly TraceExporter? _exporter;

    private TraceSetup(Tracer? tracer, TraceExporter? exporter)
    {
        Tracer = tracer;
        _exporter = exporter;
    }

    /// <summary>Null = off.</summary>
    public Tracer? Tracer { get; }

    /// <summary>Reads the environment, where flag <c>tracing</c> is on, and starts the exporter. What cannot be used is a warning: traces never keep the picker from serving.</summary>
    public static TraceSetup Open(bool wanted, Func<string, string?> env, Dialect dialect, string version, EppMetrics metrics, ILogger logger, TimeProvider time)
    {
        var warnings = new List<string>();
        var settings = wanted ? TraceSettings.Read(env, dialect, version, warnings) : null;
        foreach (var warning in warnings)
        {
            Log.ConfigurationWarning(logger, warning);
        }

        if (settings is null)
        {
            return new TraceSetup(null, null);
        }

        try
        {
            var tracer = new Tracer(settings, metrics, time);
            var exporter = new TraceExporter(tracer, settings, version, metrics, logger);
            exporter.Start();
            TraceLog.On(logger, settings.Url?.ToString() ?? "the log", settings.Ratio * 100);
            return new TraceSetup(tracer, exporter);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            Log.ConfigurationWarning(logger, $"OTEL_EXPORTER_OTLP_CERTIFICATE={settings.CaFile}: {e.Message}; traces are off");
            return new TraceSetup(null, null);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_exporter is not null)
        {
            await _exporter.DisposeAsync();
        }
    }
}
