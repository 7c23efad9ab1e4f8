using System.Text;

namespace Epp.Hashing.Tests;

/// <summary>FNV-1a and SipHash-1-3 against published values and vectors of Rust's DefaultHasher.</summary>
[Trait("Category", "Unit")]
public sealed class SmallHashTests
{
    [Theory]
    [InlineData("", 0xcbf29ce484222325UL)]
    [InlineData("a", 0xaf63dc4c8601ec8cUL)]
    [InlineData("foobar", 0x85944171f73967e8UL)]
    public void Fnv1a64_KnownInput_GivesPublishedValue(string text, ulong expected)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Assert.Equal(expected, Fnv1a64.Hash(bytes));
        var pieces = new Fnv1a64();
        foreach (var value in bytes)
        {
            pieces.Append(value);
        }

        Assert.Equal(expected, pieces.Digest);
    }

    [Theory]
    [InlineData("", 121655548788207UL, 3476900567878811119UL)]
    [InlineData("a", 7688582637611507UL, 8186225505942432243UL)]
    [InlineData("worker-0", 1186445869714687UL, 12863466981639851263UL)]
    [InlineData("worker-1", 6167992384364830UL, 16750551406947868958UL)]
    [InlineData("worker-0-engine-0", 8051026481054291UL, 8663969510287147603UL)]
    [InlineData("worker-0-engine-1", 4054906713372226UL, 16108927174190265922UL)]
    [InlineData("vllm-qwen-0", 5438949109795618UL, 9553070159135247138UL)]
    [InlineData("qwen-vllmdecodeworker-7d9f8b6c5d-abcde", 688983023093930UL, 397005750231697578UL)]
    [InlineData("émile-0", 6448153635553134UL, 5924178064000384878UL)]
    [InlineData("worker-99999", 7410589986301036UL, 0UL)]
    [InlineData("fake-name-1-0-worker-nrdfv", 1009006049675451UL, 0UL)]
    [InlineData("vllm-decode-0", 6080257717914508UL, 0UL)]
    public void SipHash13_PodName_GivesInstanceId(string name, ulong masked, ulong unmasked)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        Assert.Equal(masked, SipHash13.InstanceId(bytes));
        var whole = SipHash13.Hash([.. bytes, 0xFF]);
        Assert.Equal(masked, whole & 0x001FFFFFFFFFFFFF);
        if (unmasked != 0)
        {
            Assert.Equal(unmasked, whole);
        }
    }

    [Fact]
    public void SipHash13_EveryNameLength_InstanceIdEqualsHashWithTerminator()
    {
        for (var length = 0; length < 64; length++)
        {
            var name = new byte[length];
            new Random(length).NextBytes(name);
            Assert.Equal(SipHash13.Hash([.. name, 0xFF]) & 0x001FFFFFFFFFFFFF, SipHash13.InstanceId(name));
        }
    }
}
