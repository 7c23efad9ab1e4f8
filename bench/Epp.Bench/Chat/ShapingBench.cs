using BenchmarkDotNet.Attributes;
using Epp.Native.Chat;

namespace Epp.Bench.Chat;

/// <summary>From a chat body to the context of its template: a question, the 32 KB of the budget, a document.</summary>
public class ShapingBench
{
    private readonly ChatShaper _shaper = new();
    private readonly ShapingProfile _vllm = new() { Flavour = ChatFlavour.Vllm033 };
    private readonly ShapingProfile _dynamo = new() { Flavour = ChatFlavour.Dynamo16 };
    private readonly ShapingProfile _sorted = new() { Flavour = ChatFlavour.Dynamo12 };
    private byte[] _body = [];

    [Params(900, 32_768, 450_000)]
    public int BodyBytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _body = Bodies.Chat(BodyBytes);
        foreach (var profile in new[] { _vllm, _dynamo, _sorted })
        {
            var shaped = _shaper.Shape(_body, ChatEndpoint.Chat, profile);
            if (shaped.Kind != ShapedKind.Template)
            {
                throw new InvalidOperationException($"the bench's own body is refused: {shaped.RefusalDetail}");
            }
        }
    }

    [Benchmark]
    public int ChatShaper_Vllm() => _shaper.Shape(_body, ChatEndpoint.Chat, _vllm).Context.Length;

    [Benchmark]
    public int ChatShaper_Dynamo() => _shaper.Shape(_body, ChatEndpoint.Chat, _dynamo).Context.Length;

    /// <summary>The oldest Dynamo sorts keys, which reads the context once more.</summary>
    [Benchmark]
    public int ChatShaper_DynamoSorted() => _shaper.Shape(_body, ChatEndpoint.Chat, _sorted).Context.Length;
}
