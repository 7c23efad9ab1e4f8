using Epp.Aot.FlowControl;
using Epp.Aot.Telemetry;
using Epp.Aot.Tracing;
using Epp.Native.Pool;
using Epp.Native.Prefix;
using Epp.Native.Scheduling;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.ExtProc;

/// <summary>What every stream shares; without a tracer nothing is traced, without a registry nothing is evicted. Immutable; safe to share.</summary>
internal sealed record StreamServices(
    Pool Pool,
    Director Director,
    EppMetrics Metrics,
    ExtProcOptions Options,
    ParserSet Parsers,
    BodyBudget Budget,
    TimeProvider Time,
    ILogger Logger,
    Tracer? Tracer = null,
    TokenAsking? Asking = null,
    PromptParity? Parity = null,
    InflightRequests? Inflight = null);

/// <summary>Asks an engine for a complete request's token ids; leaves them in <see cref="RequestPhase.Tokens"/>, or nothing.</summary>
internal delegate Task TokenAsking(RequestPhase request);
