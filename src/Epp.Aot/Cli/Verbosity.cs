using Microsoft.Extensions.Logging;

namespace Epp.Aot.Cli;

/// <summary>The references' verbosity (contract §4.1): 2 default, 3 verbose, 4 debug, 5 trace; negative counts as 2.</summary>
internal static class Verbosity
{
    /// <summary><c>--zap-log-level</c> wins over <c>-v</c> where it is given.</summary>
    public static LogLevel Level(int v, string zapLevel) => zapLevel switch
    {
        "error" or "panic" => LogLevel.Error,
        "warn" => LogLevel.Warning,
        "info" => LogLevel.Information,
        "debug" => LogLevel.Debug,
        _ when int.TryParse(zapLevel, out var n) => Of(n),
        _ => Of(v),
    };

    private static LogLevel Of(int v) => v switch
    {
        < 4 => LogLevel.Information,
        4 => LogLevel.Debug,
        _ => LogLevel.Trace,
    };
}
