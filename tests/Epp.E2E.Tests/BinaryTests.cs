using System.Diagnostics;
using Epp.Testing;
using Xunit.Abstractions;

namespace Epp.E2E.Tests;

/// <summary>What an operator sees of the published binary: start, help, log, exit codes, size.</summary>
[Trait("Category", "E2E")]
public sealed class BinaryTests(ITestOutputHelper output)
{
    /// <summary>Exit code 78 is EX_CONFIG; the runtime's own check would abort and say nothing an operator can use.</summary>
    [SkippableFact]
    public void Start_CpuWithoutAvx2_SaysSoAndExits78()
    {
        var qemu = DebianTool.Require("qemu-x86_64", "qemu-user");
        var (code, _, errors) = SharedTools.Run(qemu, ["-cpu", "Nehalem", EppProcess.RequireBinary(), "--help"], TimeSpan.FromSeconds(60));
        Assert.Equal(78, code);
        Assert.StartsWith("epp: this CPU lacks AVX2", errors.TrimStart());
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [SkippableFact]
    public async Task Start_UntilAllPortsServe_EndsAndPrintsTheTime()
    {
        EppProcess.RequireBinary();
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < 3; i++)
        {
            var watch = Stopwatch.StartNew();
            await using var epp = await EppProcess.StartAsync(new EppOptions { Endpoints = ["127.0.0.1:1"], Tls = true });
            best = watch.Elapsed < best ? watch.Elapsed : best;
            output.WriteLine($"serving after {watch.ElapsedMilliseconds} ms, {epp.ResidentBytes >> 20} MiB resident");
        }

        output.WriteLine($"binary {new FileInfo(EppProcess.RequireBinary()).Length >> 10} KiB");
        Assert.InRange(best, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [SkippableFact]
    public async Task StartLog_NamesPortsAndInstructionSet()
    {
        EppProcess.RequireBinary();
        await using var epp = await EppProcess.StartAsync(new EppOptions { Endpoints = ["127.0.0.1:1"], Flags = ["--zap-encoder=json"] });
        await Wait.UntilAsync(() => epp.LogText.Contains("instruction set", StringComparison.Ordinal));
        Assert.Contains("AVX2", epp.LogText, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(epp.GrpcPort.ToString(), epp.LogText);
        Assert.All(epp.LogText.Split('\n', StringSplitOptions.RemoveEmptyEntries), l => Assert.StartsWith("{", l));
    }

    [SkippableTheory]
    [InlineData("--help")]
    [InlineData("-h")]
    public void Help_ListsEveryGroup_ExitsZero(string flag)
    {
        var (code, text, errors) = SharedTools.Run(EppProcess.RequireBinary(), [flag], TimeSpan.FromSeconds(10));
        Assert.Equal(0, code);
        Assert.All(["--grpc-port", "--config-file", "--metrics-port", "--max-request-body-bytes"], f => Assert.Contains(f.TrimStart('-'), text + errors));
    }

    [SkippableFact]
    public void Flag_Unknown_ExitsWithTheReason()
    {
        var (code, text, errors) = SharedTools.Run(EppProcess.RequireBinary(), ["--pool-name=p", "--no-such-flag"], TimeSpan.FromSeconds(10));
        Assert.Equal(2, code);
        Assert.Contains("no-such-flag", text + errors);
    }

    [SkippableTheory]
    [InlineData("apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\nplugins:\n- type: no-such-plugin\n", "no-such-plugin")]
    [InlineData("apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\nplugin: []\n", "plugin")]
    [InlineData("kind: [", "config.yaml")]
    public async Task Config_Bad_ExitsWithTheReason(string config, string named)
    {
        EppProcess.RequireBinary();
        await using var epp = EppProcess.Launch(new EppOptions { Config = config });
        Assert.NotEqual(0, await epp.ExitAsync());
        await Wait.UntilAsync(() => epp.LogText.Contains(named, StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task EndpointsFile_Bad_ExitsWithPathAndLine()
    {
        EppProcess.RequireBinary();
        await using var epp = EppProcess.Launch(new EppOptions { Endpoints = ["not-an-address:80"] });
        Assert.NotEqual(0, await epp.ExitAsync());
        await Wait.UntilAsync(() => epp.LogText.Contains("endpoints.yaml", StringComparison.Ordinal) && epp.LogText.Contains("not-an-address", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Port_Taken_ExitsWithTheReason()
    {
        EppProcess.RequireBinary();
        await using var first = await EppProcess.StartAsync(new EppOptions { Endpoints = ["127.0.0.1:1"] });
        await using var second = EppProcess.Launch(new EppOptions { Endpoints = ["127.0.0.1:1"], GrpcPort = first.GrpcPort });
        Assert.NotEqual(0, await second.ExitAsync());
        await Wait.UntilAsync(() => second.LogText.Contains(first.GrpcPort.ToString(), StringComparison.Ordinal));
    }
}
