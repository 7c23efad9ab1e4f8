using System.Globalization;
using Epp.Aot.ExtProc;
using Epp.Aot.Grpc;
using Epp.Native;
using Epp.Native.Pool;
using Epp.Testing;
using static Epp.Testing.Protos.ProcessingResponse.ResponseOneofCase;
using Proto = Epp.Testing.Protos;

namespace Epp.Aot.Tests.ExtProc;

/// <summary>Rigs under flow control, and what one does with a request there.</summary>
internal static class FlowRig
{
    public const string Head = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        featureGates: [flowControl]

        """;

    public const string Counted = """
        plugins:
        - {type: queue-scorer}
        - {type: concurrency-detector, parameters: {maxConcurrency: LIMIT}}
        - {type: round-robin-fairness-policy}
        - {type: program-aware-fairness}

        """;

    public static Rig New(string flowControl = "", string plugins = "plugins: [{type: queue-scorer}]\n", Dialect dialect = Dialect.LlmD, int endpoints = 2)
    {
        var rig = new Rig(new ExtProcOptions(dialect), Head + plugins + flowControl, endpoints);
        rig.Objectives.SetObjectives([new("important", 10), new("plain", 0), new("low", -5)]);
        Load(rig, 0);
        return rig;
    }

    public static Rig Limited(int limit, string more = "", int endpoints = 1) =>
        New("flowControl: {saturationDetector: {pluginRef: concurrency-detector}" + more + "}", Counted.Replace("LIMIT", limit.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal), endpoints: endpoints);

    public static void Load(Rig rig, double waiting)
    {
        foreach (var slot in rig.Pool.Current.Indexes)
        {
            rig.Pool.Update(rig.Pool.Current[slot], EndpointMetrics.None with { Waiting = waiting, KvUsage = 0 }, Aot.Telemetry.EppMetrics.MonotonicMs(rig.Time));
        }
    }

    /// <summary>A request whose body has arrived; it may wait or be answered.</summary>
    public static async Task<ServiceCall> AskAsync(Rig rig, string objective = "plain", string flow = "default-flow", string body = "")
    {
        var call = new ServiceCall(rig.Services);
        await call.SendAsync(Ask.Post(more: [("x-llm-d-inference-objective", objective), ("x-gateway-inference-objective", objective), ("x-llm-d-inference-fairness-id", flow)]));
        await call.SendAsync(Ask.Body(body.Length > 0 ? body : Ask.ChatBody()));
        return call;
    }

    public static async Task<Proto.ImmediateResponse> RefusedAsync(ServiceCall call)
    {
        var refusal = (await call.NextAsync()).ImmediateResponse;
        Assert.Equal(GrpcStatus.Ok, await call.Ended);
        return refusal;
    }

    public static async Task PickedAsync(ServiceCall call)
    {
        Assert.Equal(RequestHeaders, (await call.NextAsync()).ResponseCase);
        Assert.Equal(RequestBody, (await call.NextAsync()).ResponseCase);
    }

    public static async Task EndAsync(params ServiceCall[] calls)
    {
        foreach (var call in calls)
        {
            call.HalfClose();
            await call.Ended;
        }
    }

    public static string? Reason(Proto.ImmediateResponse refusal) =>
        refusal.Headers?.SetHeaders.SingleOrDefault(h => h.Header.Key == "x-llm-d-request-dropped-reason")?.Header.RawValue.ToStringUtf8();

    /// <summary>Waits for so many more dispatch cycles: one that begins now has seen all that was said before.</summary>
    public static async Task CyclesAsync(Rig rig, int count)
    {
        double Cycles() => MetricsText.Parse(rig.Exposition()).Sum("inference_extension_flow_control_dispatch_cycle_duration_seconds_count");
        var before = Cycles();
        await Wait.UntilAsync(() => Cycles() >= before + count, what: $"{count} dispatch cycles");
    }

    public static Task WaitingAsync(Rig rig, int count) => Wait.UntilAsync(() => rig.Flow!.Gate.Waiting == count);
}
