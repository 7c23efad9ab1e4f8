using Epp.Testing;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;

namespace Epp.Integration.Tests;

/// <summary>The process: reload of the endpoints file, shutdown.</summary>
[Trait("Category", "Integration")]
public sealed class LifecycleTests : IAsyncLifetime
{
    private FakeWorker[] _workers = [];

    public async Task InitializeAsync() => _workers = await FakeWorker.StartPoolAsync(2);

    public async Task DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync();
        }
    }

    [Fact]
    public async Task EndpointsFile_Changed_IsFollowedWithoutARestart()
    {
        await using var epp = await EppProcess.StartAsync(new EppOptions { Endpoints = [_workers[0].HostPort] });
        Assert.Equal(_workers[0].HostPort, (await epp.PickAsync(Ask.ChatBody())).Endpoint);
        epp.WriteEndpoints(EppProcess.EndpointsYaml([_workers[1].HostPort]));
        await Wait.UntilAsync(async () => (await epp.PickAsync(Ask.ChatBody())).Endpoint == _workers[1].HostPort);
        epp.WriteEndpoints(EppProcess.EndpointsYaml([]));
        await Wait.UntilAsync(async () => (await epp.PickAsync(Ask.ChatBody())).Immediate?.Status.Code == 503);
        File.WriteAllText(epp.EndpointsFile, EppProcess.EndpointsYaml([_workers[0].HostPort]));
        await Wait.UntilAsync(async () => (await epp.PickAsync(Ask.ChatBody())).Headers is not null);
    }

    [Fact]
    public async Task EndpointsFile_BecomesInvalid_TheLastGoodPoolStaysAndTheLogSaysWhere()
    {
        await using var epp = await EppProcess.StartAsync(new EppOptions { Endpoints = [_workers[0].HostPort] });
        epp.WriteEndpoints("endpoints:\n- name: a\n  address: 127.0.0.1\n  port: [\n");
        await Wait.UntilAsync(() => epp.LogText.Contains("endpoints.yaml", StringComparison.Ordinal), what: "the log names the file");
        Assert.Equal(_workers[0].HostPort, (await epp.PickAsync(Ask.ChatBody())).Endpoint);
        epp.WriteEndpoints(EppProcess.EndpointsYaml([_workers[1].HostPort]));
        await Wait.UntilAsync(async () => (await epp.PickAsync(Ask.ChatBody())).Endpoint == _workers[1].HostPort);
    }

    [Fact]
    public async Task Sigterm_WithAStreamInFlight_LetsItEndAndExitsZero()
    {
        await using var epp = await EppProcess.StartAsync(new EppOptions { Endpoints = [_workers[0].HostPort], Flags = ["--drain-timeout=20s"] });
        await using var stream = epp.Open();
        await stream.SendAsync(Ask.Post());
        await stream.SendAsync(Ask.Body(Ask.ChatBody()));
        await stream.AnswerAsync();
        epp.Signal("TERM");
        using var health = new GrpcChannel(epp.HealthPort);
        await Wait.UntilAsync(async () => await GrpcLayerTests.CheckAsync(health, "readiness") == "NOT_SERVING");
        Assert.Equal("NOT_SERVING", await GrpcLayerTests.CheckAsync(epp.Channel, "envoy.service.ext_proc.v3.ExternalProcessor"));

        // Gateways send new streams until they have noticed, on old and on new connections: they are served.
        Assert.Equal(_workers[0].HostPort, (await epp.PickAsync(Ask.ChatBody())).Endpoint);
        using (var late = new GrpcChannel(epp.GrpcPort))
        {
            await using var another = late.Open(GrpcStream.ProcessPath);
            await another.SendAsync(Ask.Post());
            await another.SendAsync(Ask.Body(Ask.ChatBody()));
            Assert.Equal(_workers[0].HostPort, (await another.AnswerAsync()).Endpoint);
        }

        await stream.SendAsync(Ask.ResponseHeaders());
        await stream.ExpectAsync(ResponseHeaders);
        await stream.SendAsync(Ask.ResponseBody("{}"));
        await stream.ExpectAsync(ResponseBody);
        Assert.False(epp.HasExited);
        await stream.HalfCloseAsync();
        Assert.Equal(0, (await stream.EndAsync()).Code);
        Assert.Equal(0, await epp.ExitAsync());
    }

    [Fact]
    public async Task Sigterm_Idle_ExitsZeroSoon()
    {
        await using var epp = await EppProcess.StartAsync(new EppOptions { Endpoints = [_workers[0].HostPort], Flags = ["--drain-timeout=20s"] });
        epp.Signal("TERM");
        Assert.Equal(0, await epp.ExitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task Sigterm_StreamNeverEnds_IsCutAfterTheDrainTimeout()
    {
        await using var epp = await EppProcess.StartAsync(new EppOptions { Endpoints = [_workers[0].HostPort], Flags = ["--drain-timeout=1s"] });
        await using var stream = epp.Open();
        await stream.SendAsync(Ask.Post());
        await epp.WaitForMetricAsync("llm_d_epp_extproc_streams_inflight", 1);
        epp.Signal("TERM");
        await epp.ExitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Sigterm_Twice_ExitsOneAtOnce()
    {
        await using var epp = await EppProcess.StartAsync(new EppOptions { Endpoints = [_workers[0].HostPort], Flags = ["--drain-timeout=60s"] });
        await using var stream = epp.Open();
        await stream.SendAsync(Ask.Post());
        await epp.WaitForMetricAsync("llm_d_epp_extproc_streams_inflight", 1);
        epp.Signal("TERM");
        await Wait.UntilAsync(() => epp.LogText.Contains("draining", StringComparison.Ordinal));
        Assert.False(epp.HasExited);
        epp.Signal("TERM");
        Assert.Equal(1, await epp.ExitAsync(TimeSpan.FromSeconds(5)));
    }
}
