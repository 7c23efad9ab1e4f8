using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Telemetry;

/// <summary>
/// Writes one line per message to standard error: JSON with zap's field names (<c>level</c>, <c>ts</c>, <c>logger</c>, <c>msg</c>, then
/// the message's own fields), or tab-separated text. Thread-safe.
/// </summary>
internal sealed class LineLoggerProvider(bool json, LogLevel minimum, TimeProvider time, Stream output) : ILoggerProvider
{
    private readonly Lock _gate = new();

    public ILogger CreateLogger(string categoryName) => new LineLogger(this, categoryName);

    public void Dispose()
    {
    }

    private void Write(string category, LogLevel level, string message, IReadOnlyList<KeyValuePair<string, object?>>? fields, Exception? error)
    {
        using var line = new MemoryStream();
        if (json)
        {
            WriteJson(line, category, level, message, fields, error);
        }
        else
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffZ}\t{Name(level).ToUpperInvariant()}\t{category}\t{message}{(error is null ? "" : $"\t{error}")}");
            // Client text must not be able to start a line of its own.
            line.Write(Encoding.UTF8.GetBytes(error is null ? text.ReplaceLineEndings(" ") : text));
        }

        line.WriteByte((byte)'\n');
        lock (_gate)
        {
            output.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
            output.Flush();
        }
    }

    private void WriteJson(Stream line, string category, LogLevel level, string message, IReadOnlyList<KeyValuePair<string, object?>>? fields, Exception? error)
    {
        using var writer = new Utf8JsonWriter(line);
        writer.WriteStartObject();
        writer.WriteString("level", Name(level));
        writer.WriteString("ts", time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
        writer.WriteString("logger", category);
        writer.WriteString("msg", message);
        foreach (var (key, value) in fields ?? [])
        {
            switch (value)
            {
                case null or "" when key == "{OriginalFormat}":
                case string when key == "{OriginalFormat}":
                    break;
                case int or long:
                    writer.WriteNumber(Camel(key), Convert.ToInt64(value, CultureInfo.InvariantCulture));
                    break;
                case double number when double.IsFinite(number):
                    writer.WriteNumber(Camel(key), number);
                    break;
                default:
                    writer.WriteString(Camel(key), Convert.ToString(value, CultureInfo.InvariantCulture));
                    break;
            }
        }

        if (error is not null)
        {
            writer.WriteString("error", error.ToString());
        }

        writer.WriteEndObject();
    }

    private static string Camel(string name) => name.Length == 0 ? name : char.ToLowerInvariant(name[0]) + name[1..];

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        _ => "error",
    };

    private sealed class LineLogger(LineLoggerProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= provider.Minimum && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                provider.Write(category, logLevel, formatter(state, exception), state as IReadOnlyList<KeyValuePair<string, object?>>, exception);
            }
        }
    }

    private LogLevel Minimum => minimum;
}
