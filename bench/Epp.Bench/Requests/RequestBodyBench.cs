using BenchmarkDotNet.Attributes;
using Epp.Native;
using Epp.Native.Memory;
using Epp.Native.Prefix;
using Epp.Native.Requests;

namespace Epp.Bench.Requests;

/// <summary>Chat bodies of 900 B (a question), 16 KB (a conversation), 450 KB (a document), 4.4 MB (a context of a million tokens).</summary>
public class RequestBodyBench : IDisposable
{
    private readonly RequestScanner _scanner = new();
    private readonly RequestScanner _scanned = new();
    private readonly BlockHashes _hashes = new();
    private readonly ModelRewrite _rewrite = new();
    private byte[] _body = [];
    private BodyBuffer _buffer = new();

    [Params(900, 16_384, 450_000, 4_400_000)]
    public int BodyBytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _body = Bodies.Chat(BodyBytes);
        _buffer = Bodies.Buffer(_body);
        _scanned.Reset(RequestApi.ChatCompletions, Dialect.LlmD);
        _scanned.Feed(_body);
        if (!_scanned.Complete())
        {
            throw new InvalidOperationException($"the bench's own body is refused: {_scanned.ErrorMessage}");
        }
    }

    [GlobalCleanup]
    public void Dispose() => _buffer.Dispose();

    /// <summary>Validates and finds the fields, fed in the chunks of 62,000 bytes that gateways send.</summary>
    [Benchmark]
    public bool RequestScanner_Chat()
    {
        _scanner.Reset(RequestApi.ChatCompletions, Dialect.LlmD);
        for (var rest = _body.AsSpan(); !rest.IsEmpty;)
        {
            var n = Math.Min(rest.Length, 62_000);
            _scanner.Feed(rest[..n]);
            rest = rest[n..];
        }

        return _scanner.Complete();
    }

    /// <summary>Blocks of 64 tokens, at most 2,048 of them: the default.</summary>
    [Benchmark]
    public int ApproxPrefixHasher_Chat()
    {
        _hashes.Clear();
        ApproxPrefixHasher.Hash(_scanned, _buffer, "meta-llama/Llama-3.1-8B-Instruct"u8, default, Dialect.LlmD, 64, 2048, _hashes);
        return _hashes.Count;
    }

    /// <summary>Another model name, and the body read out again in chunks; the copy out is the caller's.</summary>
    [Benchmark]
    public int ModelRewrite_Chat()
    {
        _rewrite.Begin(_buffer, _scanned, "canary"u8);
        var bytes = 0;
        while (_rewrite.TryRead(62_000, out var part))
        {
            bytes += part.Length;
        }

        return bytes;
    }
}
