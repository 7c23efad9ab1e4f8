using Microsoft.Extensions.Logging;

namespace Epp.Integration.Tests.KvEvents;

/// <summary>Keeps what was logged.</summary>
internal sealed class TextLogger : ILogger
{
    private readonly Lock _gate = new();
    private string _text = "";

    public string Text
    {
        get
        {
            lock (_gate)
            {
                return _text;
            }
        }
    }

    public bool Contains(string part) => Text.Contains(part, StringComparison.OrdinalIgnoreCase);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_gate)
        {
            _text += $"{logLevel} {formatter(state, exception)} {exception}\n";
        }
    }
}

/// <summary>A folder that goes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("epp-test").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
