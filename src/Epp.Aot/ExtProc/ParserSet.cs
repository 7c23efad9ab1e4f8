using Epp.Aot.Configuration;
using Epp.Native;
using Epp.Native.Requests;

namespace Epp.Aot.ExtProc;

/// <summary>The configured parsers: which API a path speaks, if any claims it (contract §3.2). Immutable.</summary>
internal sealed class ParserSet
{
    private readonly Dialect _dialect;
    private readonly bool _openAi;
    private readonly bool _anthropic;
    private readonly bool _vllm;
    private readonly bool _sglang;
    private readonly bool _vllmGrpc;
    private readonly bool _passthrough;

    public ParserSet(EppConfig config)
    {
        _dialect = config.Dialect;
        _openAi = Has("openai-parser");
        _anthropic = Has("anthropic-parser");
        _vllm = Has("vllmhttp-parser");
        _sglang = Has("sglanghttp-parser");
        _vllmGrpc = Has("vllmgrpc-parser");
        _passthrough = Has("passthrough-parser");

        bool Has(string type) => config.Parsers.Any(p => p.Type == type);
    }

    /// <summary>False where no parser claims the path and none takes the rest: a 400.</summary>
    public bool TryResolve(ReadOnlySpan<byte> path, out RequestApi api)
    {
        if (_vllmGrpc && RequestPaths.TryVllmGrpc(path, out api))
        {
            return true;
        }

        api = RequestPaths.Resolve(path, _dialect);
        var claimed = api switch
        {
            RequestApi.GaieAny => true,
            RequestApi.AnthropicMessages or RequestApi.AnthropicCountTokens => _anthropic,
            RequestApi.VllmGenerate => _vllm,
            RequestApi.Passthrough => false,
            _ => _openAi,
        };
        if (claimed)
        {
            return true;
        }

        api = _sglang && RequestPaths.IsSglangGenerate(path) ? RequestApi.SglangGenerate : RequestApi.Passthrough;
        return api == RequestApi.SglangGenerate || _passthrough;
    }
}
