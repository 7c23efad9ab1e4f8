using System.Text;
using Epp.Native.Tokens;

namespace Epp.Native.Tests.Tokens;

/// <summary>Encoders shared between threads.</summary>
[Trait("Category", "Unit")]
public sealed class TokenEncoderPoolTests
{
    [Fact]
    public void Rent_AfterReturn_GivesTheSameEncoder()
    {
        var pool = new TokenEncoderPool(Load("gpt2"), 1);
        var (first, second) = (pool.Rent(), pool.Rent());
        Assert.NotSame(first, second);
        pool.Return(first);
        pool.Return(second);
        Assert.Same(first, pool.Rent());
        Assert.NotSame(second, pool.Rent());
    }

    [Fact]
    public void Encode_OnFourThreads_GivesTheSameIds()
    {
        var pool = new TokenEncoderPool(Load("qwen2"), 2);
        var texts = Enumerable.Range(0, 200).Select(static i => Encoding.UTF8.GetBytes($"The {i}th request's prefix, caf\u00e9 \u4f60\u597d e\u0301 {i * 7919}")).ToArray();
        var expected = texts.Select(t => Ids(pool, t)).ToArray();
        var wrong = 0;
        var threads = Enumerable.Range(0, 4).Select(n => new Thread(() =>
        {
            for (var i = 0; i < 2000; i++)
            {
                var at = ((i * 31) + n) % texts.Length;
                if (Ids(pool, texts[at]) != expected[at])
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        })).ToArray();
        Array.ForEach(threads, static t => t.Start());
        Array.ForEach(threads, static t => t.Join());
        Assert.Equal(0, wrong);
    }

    private static Tokenizer Load(string shape) => Tokenizer.Load(TokenEncoderTests.Shape(shape), out var error) ?? throw new InvalidOperationException(error);

    private static string Ids(TokenEncoderPool pool, byte[] text)
    {
        var (encoder, ids) = (pool.Rent(), new TokenBuffer());
        var status = encoder.Encode(text, true, ids);
        pool.Return(encoder);
        return $"{status} {string.Join(',', ids.Ids.ToArray())}";
    }
}
