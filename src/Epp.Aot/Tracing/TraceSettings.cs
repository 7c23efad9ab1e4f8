using System.Globalization;
using Epp.Native;

namespace Epp.Aot.Tracing;

/// <summary>Where sampled spans go.</summary>
internal enum TraceTarget
{
    OtlpGrpc = 0,
    OtlpHttp,
    Console,
}

/// <summary>Tracing as the environment asks for it (contract §4.2; names of the OpenTelemetry specification). Immutable.</summary>
/// <param name="Target">Wire format, or the log.</param>
/// <param name="Url">Whole address that spans are posted to; null for the log.</param>
/// <param name="Headers">Sent with every export.</param>
/// <param name="CaFile">PEM file of authorities; null = the system's.</param>
/// <param name="Timeout">Of one export.</param>
/// <param name="Ratio">Share of new traces that are kept, 0 … 1.</param>
/// <param name="ParentBased">Traces that have a parent follow its decision.</param>
/// <param name="Resource">Attributes of this process, <c>service.name</c> first.</param>
/// <param name="Delay">Longest wait before a batch is sent.</param>
/// <param name="QueueSpans">Spans that wait at most; further ones are dropped and counted.</param>
/// <param name="BatchSpans">Spans of one export at most.</param>
internal sealed record TraceSettings(
    TraceTarget Target,
    Uri? Url,
    IReadOnlyList<KeyValuePair<string, string>> Headers,
    string? CaFile,
    TimeSpan Timeout,
    double Ratio,
    bool ParentBased,
    IReadOnlyList<KeyValuePair<string, string>> Resource,
    TimeSpan Delay,
    int QueueSpans,
    int BatchSpans)
{
    private const string Traces = "OTEL_EXPORTER_OTLP_TRACES_", Common = "OTEL_EXPORTER_OTLP_";

    /// <summary>
    /// Reads the environment; null = no tracing. It is on where somebody said where spans go: <c>OTEL_TRACES_EXPORTER</c> is <c>otlp</c> or
    /// <c>console</c>, or an OTLP endpoint is set. The references' default, <c>console</c> without being asked, is not followed: it
    /// prints a document per sampled request.
    /// </summary>
    /// <param name="env">Value of a variable; null or empty = not set.</param>
    /// <param name="dialect">Decides the default of <c>service.name</c>.</param>
    /// <param name="version">Of this build.</param>
    /// <param name="warnings">Gets one line per value that is not understood; the default is used instead.</param>
    public static TraceSettings? Read(Func<string, string?> env, Dialect dialect, string version, List<string> warnings)
    {
        string Get(string name) => env(name)?.Trim() ?? "";
        string Otlp(string name) => Get(Traces + name) is { Length: > 0 } own ? own : Get(Common + name);
        var exporter = Get("OTEL_TRACES_EXPORTER");
        if (Get("OTEL_SDK_DISABLED").Equals("true", StringComparison.OrdinalIgnoreCase) || exporter == "none" || (exporter.Length == 0 && Otlp("ENDPOINT").Length == 0))
        {
            return null;
        }

        if (exporter is not ("" or "otlp" or "console"))
        {
            warnings.Add($"OTEL_TRACES_EXPORTER={exporter}: expected otlp, console or none; traces are off");
            return null;
        }

        var protocol = Otlp("PROTOCOL") is { Length: > 0 } given ? given : "grpc";
        if (protocol is not ("grpc" or "http/protobuf"))
        {
            warnings.Add($"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}: expected grpc or http/protobuf; grpc is used");
            protocol = "grpc";
        }

        foreach (var unused in (string[])["COMPRESSION", "CLIENT_CERTIFICATE", "CLIENT_KEY"])
        {
            if (Otlp(unused) is not ("" or "none"))
            {
                warnings.Add($"OTEL_EXPORTER_OTLP_{unused} is not supported and has no effect");
            }
        }

        var target = exporter == "console" ? TraceTarget.Console : protocol == "grpc" ? TraceTarget.OtlpGrpc : TraceTarget.OtlpHttp;
        var url = target == TraceTarget.Console ? null : Address(target, Get(Traces + "ENDPOINT"), Get(Common + "ENDPOINT"), warnings);
        if (target != TraceTarget.Console && url is null)
        {
            return null;
        }

        var (ratio, parentBased) = Sampler(Get("OTEL_TRACES_SAMPLER"), Get("OTEL_TRACES_SAMPLER_ARG"), warnings);
        var batch = Number(Get("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"), 512, 1, 2048);
        return new TraceSettings(
            target,
            url,
            Pairs(Otlp("HEADERS"), "OTEL_EXPORTER_OTLP_HEADERS", warnings),
            Otlp("CERTIFICATE") is { Length: > 0 } ca ? ca : null,
            TimeSpan.FromMilliseconds(Number(Otlp("TIMEOUT"), 10_000, 1, 600_000)),
            ratio,
            parentBased,
            ResourceOf(Get("OTEL_SERVICE_NAME"), Get("OTEL_RESOURCE_ATTRIBUTES"), dialect, version, warnings),
            TimeSpan.FromMilliseconds(Number(Get("OTEL_BSP_SCHEDULE_DELAY"), 5_000, 1, 600_000)),
            Math.Max(batch, Number(Get("OTEL_BSP_MAX_QUEUE_SIZE"), 2_048, 1, 65_536)),
            batch);
    }

    private static Uri? Address(TraceTarget target, string own, string common, List<string> warnings)
    {
        var text = own.Length > 0 ? own : common.Length > 0 ? common : target == TraceTarget.OtlpGrpc ? "http://localhost:4317" : "http://localhost:4318";
        if (!text.Contains("://", StringComparison.Ordinal))
        {
            // As gRPC clients write it; the references speak plaintext then.
            text = "http://" + text;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
        {
            warnings.Add($"OTEL_EXPORTER_OTLP_ENDPOINT={text}: expected a URL such as http://localhost:4317; traces are off");
            return null;
        }

        return target == TraceTarget.OtlpGrpc
            ? new Uri(url, "/opentelemetry.proto.collector.trace.v1.TraceService/Export")
            : own.Length > 0 ? url : new Uri(text.TrimEnd('/') + "/v1/traces");
    }

    private static (double Ratio, bool ParentBased) Sampler(string name, string argument, List<string> warnings)
    {
        const double Default = 0.1;
        var ratio = Default;
        if (argument.Length > 0 && (!double.TryParse(argument, NumberStyles.Float, CultureInfo.InvariantCulture, out ratio) || !(ratio is >= 0 and <= 1)))
        {
            warnings.Add($"OTEL_TRACES_SAMPLER_ARG={argument}: expected a number from 0 to 1; {Default.ToString(CultureInfo.InvariantCulture)} is used");
            ratio = Default;
        }

        switch (name)
        {
            case "" or "parentbased_traceidratio":
                return (ratio, true);
            case "traceidratio":
                return (ratio, false);
            case "always_on" or "parentbased_always_on":
                return (1, name[0] == 'p');
            case "always_off" or "parentbased_always_off":
                return (0, name[0] == 'p');
            default:
                warnings.Add($"OTEL_TRACES_SAMPLER={name}: expected parentbased_traceidratio, traceidratio or an always sampler; parentbased_traceidratio is used");
                return (ratio, true);
        }
    }

    private static List<KeyValuePair<string, string>> ResourceOf(string service, string attributes, Dialect dialect, string version, List<string> warnings)
    {
        var name = dialect == Dialect.Gaie ? "gateway-api-inference-extension" : "llm-d-epp";
        var resource = new List<KeyValuePair<string, string>> { new("service.name", name) };
        foreach (var pair in Pairs(attributes, "OTEL_RESOURCE_ATTRIBUTES", warnings))
        {
            if (pair.Key == "service.name")
            {
                name = pair.Value;
            }
            else
            {
                resource.Add(pair);
            }
        }

        resource[0] = new("service.name", service.Length > 0 ? service : name);
        resource.Add(new("service.version", version));
        resource.Add(new("telemetry.sdk.language", "dotnet"));
        return resource;
    }

    private static List<KeyValuePair<string, string>> Pairs(string text, string variable, List<string> warnings)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var item in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = item.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
            {
                warnings.Add($"{variable}: expected key=value, found an item without one; it is ignored");
                continue;
            }

            pairs.Add(new(item[..equals].Trim(), Uri.UnescapeDataString(item[(equals + 1)..].Trim())));
        }

        return pairs;
    }

    private static int Number(string text, int otherwise, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? Math.Clamp(number, least, most) : otherwise;
}
