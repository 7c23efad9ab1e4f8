using System.Text;
using Epp.Aot.Configuration;
using Epp.Aot.Hosting;
using Epp.Aot.Tests.ExtProc;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Tests.Hosting;

[Collection("ext_proc")]
[Trait("Category", "Unit")]
public sealed class ConfigReloadTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();
    private readonly Rig _rig = new();
    private readonly Lines _log = new();
    private readonly ConfigReload _reload;

    public ConfigReloadTests()
    {
        Write(Encoding.UTF8.GetString(EppConfigLoader.BuiltIn));
        _reload = new ConfigReload(_path, Read, _rig.Config, _rig.Context, _rig.Metrics, _rig.Director, _rig.Time, _log);
    }

    public void Dispose()
    {
        _reload.Dispose();
        File.Delete(_path);
    }

    [Fact]
    public void Unchanged_OrOnlyAComment_KeepsThePlan()
    {
        var before = _rig.Director.Plan;
        _reload.Look();
        Write("# said\n" + Encoding.UTF8.GetString(EppConfigLoader.BuiltIn));
        _reload.Look();
        Assert.Same(before, _rig.Director.Plan);
        Assert.Empty(_log.All);
    }

    [Fact]
    public void Valid_IsInForce_AndPrefixHistoryStays()
    {
        var before = _rig.Director.Plan;
        Write(Encoding.UTF8.GetString(EppConfigLoader.BuiltIn).Replace("weight: 3", "weight: 4", StringComparison.Ordinal));
        _reload.Look();
        var after = _rig.Director.Plan;
        Assert.Equal([2, 2, 4], after.Scheduler.Profile.Scorers.ToArray().Select(s => s.Weight));
        Assert.Same(Assert.Single(before.Scheduler.Producers), Assert.Single(after.Scheduler.Producers));
        Assert.Contains("is in force", Assert.Single(_log.All), StringComparison.Ordinal);
        _reload.Look();
        Assert.Same(after, _rig.Director.Plan);
    }

    [Fact]
    public void Valid_AnotherProducer_StartsAnew()
    {
        var before = _rig.Director.Plan;
        Write(Encoding.UTF8.GetString(EppConfigLoader.BuiltIn).Replace(
            "- type: metrics-data-source", "- {type: approx-prefix-cache-producer, parameters: {blockSizeTokens: 128}}\n- type: metrics-data-source", StringComparison.Ordinal));
        _reload.Look();
        Assert.NotSame(Assert.Single(before.Scheduler.Producers), Assert.Single(_rig.Director.Plan.Scheduler.Producers));
    }

    [Theory]
    [InlineData("plugins: [", "not applied")]
    [InlineData("apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\nplugins: [{type: no-such}]", "unknown plugin type 'no-such'")]
    [InlineData("apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\ndataLayer: {injectDefaults: false}", "needs a restart")]
    [InlineData("apiVersion: inference.networking.x-k8s.io/v1alpha1\nkind: EndpointPickerConfig\nplugins: [{type: queue-scorer}]", "'apiVersion: inference.networking.x-k8s.io/v1alpha1' instead of 'apiVersion: llm-d.ai/v1alpha1' needs a restart")]
    public void Invalid_ChangesNothing_AndSaysWhyOnce(string text, string reason)
    {
        var before = _rig.Director.Plan;
        Write(text);
        _reload.Look();
        var said = _log.All.Count;
        _reload.Look();
        Assert.Same(before, _rig.Director.Plan);
        Assert.Contains(reason, string.Join('\n', _log.All), StringComparison.Ordinal);
        Assert.Equal(said, _log.All.Count);
    }

    [Fact]
    public void Missing_ChangesNothing_AndSaysWhyOnce()
    {
        File.Delete(_path);
        _reload.Look();
        _reload.Look();
        Assert.Contains("cannot read the configuration", Assert.Single(_log.All), StringComparison.Ordinal);
    }

    private ConfigReading Read()
    {
        var loaded = EppConfigLoader.Load(File.ReadAllBytes(_path), _path);
        return new ConfigReading(loaded.Config, [.. loaded.Errors.Select(e => e.ToString())], []);
    }

    private void Write(string text) => File.WriteAllText(_path, text);

    private sealed class Lines : ILogger
    {
        public List<string> All { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            All.Add(formatter(state, exception));
    }
}
