using System.Text;
using System.Text.Json;
using Epp.Aot.Telemetry;
using Epp.Aot.Tests.ExtProc;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Tests.Hosting;

[Trait("Category", "Unit")]
public sealed class LineLoggerTests
{
    private static string Write(bool json, LogLevel minimum, Action<ILogger> write)
    {
        using var output = new MemoryStream();
        using var provider = new LineLoggerProvider(json, minimum, new SteppedTime(), output);
        write(provider.CreateLogger("ext_proc"));
        return Encoding.UTF8.GetString(output.ToArray());
    }

    [Fact]
    public void Json_Line_HasZapsFieldsAndTheMessagesOwn()
    {
        var line = Write(json: true, LogLevel.Debug, log => Log.RequestRejected(log, 400, "a \"quoted\"\nreason"));
        Assert.EndsWith("}\n", line, StringComparison.Ordinal);
        Assert.Equal(1, line.Count(c => c == '\n'));
        var fields = JsonDocument.Parse(line).RootElement;
        Assert.Equal("debug", fields.GetProperty("level").GetString());
        Assert.Equal("2026-01-02T03:04:05.000Z", fields.GetProperty("ts").GetString());
        Assert.Equal("ext_proc", fields.GetProperty("logger").GetString());
        Assert.Equal("Rejected with 400: a \"quoted\"\nreason", fields.GetProperty("msg").GetString());
        Assert.Equal(400, fields.GetProperty("status").GetInt32());
        Assert.Equal("a \"quoted\"\nreason", fields.GetProperty("reason").GetString());
        Assert.False(fields.TryGetProperty("{OriginalFormat}", out _));
    }

    [Fact]
    public void Json_Error_CarriesTheException()
    {
        var fields = JsonDocument.Parse(Write(json: true, LogLevel.Debug, log => Log.StreamFailed(log, new InvalidOperationException("why")))).RootElement;
        Assert.Equal("error", fields.GetProperty("level").GetString());
        Assert.Contains("why", fields.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_Line_IsTabSeparated() =>
        Assert.Equal("2026-01-02T03:04:05.000Z\tWARN\text_proc\tsomething\n", Write(json: false, LogLevel.Information, log => Log.ConfigurationWarning(log, "something")));

    [Fact]
    public void Level_BelowTheMinimum_WritesNothing() => Assert.Empty(Write(json: true, LogLevel.Information, log => Log.RequestRejected(log, 400, "x")));
}
