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

    /// <summary>True for a value of <c>--zap-log-level</c>; empty = not given.</summary>
    public static bool IsZapLevel(string text) => text is "" or "error" or "panic" or "warn" or "info" or "debug" || (int.TryParse(text, out var n) && n > 0);

    /// <summary>The log format: <c>--zap-encoder</c>, else what <c>--zap-devel</c> stands for.</summary>
    public static bool IsJson(FlagSet flags) => flags.Text("zap-encoder") is { Length: > 0 } given ? given == "json" : !flags.Bool("zap-devel");

    private static LogLevel Of(int v) => v switch
    {
        < 4 => LogLevel.Information,
        4 => LogLevel.Debug,
        _ => LogLevel.Trace,
    };
}
