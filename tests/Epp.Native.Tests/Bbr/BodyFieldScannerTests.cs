using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Epp.Native.Bbr;
using Epp.Native.Memory;

namespace Epp.Native.Tests.Bbr;

/// <summary>Fields of a body as text, in the rules of both routers (contract §9.3).</summary>
[Trait("Category", "Unit")]
public sealed class BodyFieldScannerTests
{
    private const int Seed = 4711;

    private static readonly byte[][] Model = [[.. "model"u8]];

    [Theory]
    [InlineData("""{"model":"llama"}""", "llama")]
    [InlineData("""{"a":{"model":"inner"},"model":"outer","b":[{"model":"x"}]}""", "outer")]
    [InlineData("""{"model":"first","model":"last"}""", "last")]
    [InlineData("""{"model":"a\u002fb é \ud83d\ude00"}""", "a/b é 😀")]
    [InlineData("""{"model":""}""", "")]
    [InlineData("""{"Model":"other"}""", null)]
    [InlineData("""{"prompt":"p"}""", null)]
    [InlineData("null", null)]
    public void Text_OfAString_IsTheSameInBothDialects(string body, string? expected)
    {
        foreach (var dialect in Enum.GetValues<BbrDialect>())
        {
            Assert.Equal((expected, null), Read(dialect, body));
        }
    }

    [Theory]
    [InlineData("7", "7")]
    [InlineData("-0", "-0")]
    [InlineData("1.50", "1.5")]
    [InlineData("123456", "123456")]
    [InlineData("1234567", "1.234567e+06")]
    [InlineData("1e21", "1e+21")]
    [InlineData("0.0001", "0.0001")]
    [InlineData("0.00001234", "1.234e-05")]
    [InlineData("1e-320", "1e-320")]
    [InlineData("true", "true")]
    [InlineData("null", "<nil>")]
    [InlineData("[]", "[]")]
    [InlineData("""[ "a" , 1, null,[true]]""", "[a 1 <nil> [true]]")]
    [InlineData("""{"b":{"y":1,"x":"v"},"a":[],"b":2}""", "map[a:[] b:2]")]
    public void Text_OfAnyValue_IsGosInV15(string value, string expected) => Assert.Equal((expected, null), Read(BbrDialect.Gaie15, $$"""{"model":{{value}}}"""));

    [Theory]
    [InlineData("1", "number")]
    [InlineData("true", "bool")]
    [InlineData("[]", "array")]
    [InlineData("{}", "object")]
    public void AnotherType_IsAnErrorInV12(string value, string name)
    {
        var expected = $"json: cannot unmarshal {name} into Go struct field RequestBody.model of type string";
        Assert.Equal(expected, Read(BbrDialect.Gaie12, $$"""{"model":{{value}},"model":"later"}""").Error);
    }

    [Fact]
    public void Null_LeavesTheModelAloneInV12() => Assert.Equal(("m", null), Read(BbrDialect.Gaie12, """{"model":"m","model":null}"""));

    [Theory]
    [InlineData("", "unexpected end of JSON input", "unexpected end of JSON input")]
    [InlineData("no healthy upstream", "invalid character 'o' in literal null (expecting 'u')", "invalid character 'o' in literal null (expecting 'u')")]
    [InlineData("[1]", "json: cannot unmarshal array into Go value of type handlers.RequestBody", "json: cannot unmarshal array into Go value of type map[string]interface {}")]
    [InlineData("""{"model":"m"}x""", "invalid character 'x' after top-level value", "invalid character 'x' after top-level value")]
    [InlineData("""{"x":1e999,"model":"m"}""", null, "json: cannot unmarshal number 1e999 into Go value of type float64")]
    [InlineData("""{"model":"a\r\nb"}""", "the value of 'model' has control characters, which no header carries", "the value of 'model' has control characters, which no header carries")]
    public void Errors_AreInTheWordsOfGo(string body, string? old, string current)
    {
        Assert.Equal(old, Read(BbrDialect.Gaie12, body).Error);
        Assert.Equal(current, Read(BbrDialect.Gaie15, body).Error);
    }

    [Fact]
    public void LongValues_AreTakenUpToTheLimitOfAHeader()
    {
        var most = new string('x', BodyFieldScanner.MaxValueBytes);
        foreach (var dialect in Enum.GetValues<BbrDialect>())
        {
            Assert.Equal((most, null), Read(dialect, $$"""{"model":"{{most}}"}"""));
            Assert.Contains("longer than 16384 bytes", Read(dialect, $$"""{"model":"{{most}}x"}""").Error, StringComparison.Ordinal);
        }

        Assert.Contains("longer than", Read(BbrDialect.Gaie15, $$"""{"model":["{{most}}"]}""").Error, StringComparison.Ordinal);
        Assert.Contains("longer than", Read(BbrDialect.Gaie15, $$"""{"model":[{{string.Join(',', Enumerable.Repeat("1", 200_000))}}]}""").Error, StringComparison.Ordinal);
        Assert.Equal(("<nil>", null), Read(BbrDialect.Gaie15, $$"""{"model":"{{most}}x","model":null}"""));
    }

    [Fact]
    public void SeveralFields_EachHasItsText()
    {
        var scanner = new BodyFieldScanner(BbrDialect.Gaie15, [[.. "a"u8], [.. "b"u8], [.. "c"u8]]);
        using var body = new BodyBuffer();
        Feed(scanner, body, """{"b":"2","z":0,"a":1}"""u8, null);
        Assert.True(scanner.Complete(body));
        Assert.Equal(("1", "2", false), (Encoding.UTF8.GetString(scanner.Text(0)), Encoding.UTF8.GetString(scanner.Text(1)), scanner.Has(2)));
        scanner.Reset();
        Assert.False(scanner.Has(0));
    }

    [Fact]
    public void MutatedBodies_NeverThrow_SplitsDoNotMatter_AndPlainOnesAreWhatAnotherReaderSees()
    {
        string[] corpus =
        [
            """{"model":"m\u00e9 \ud800 x","messages":[{"role":"user","content":"h\"i"}],"n":1e2}""",
            """{"model":{"b":[1,{"c":null}],"a":"\n"},"model":[[["x"]]]}""",
            """{"a":[-0.5e-7,true],"model":"plain"}""",
            """[{"model":"x"}]""",
        ];
        var random = new Random(Seed);
        var watch = Stopwatch.StartNew();
        var agreed = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var body = Mutated(random, Encoding.UTF8.GetBytes(corpus[random.Next(corpus.Length)]));
            foreach (var dialect in Enum.GetValues<BbrDialect>())
            {
                var whole = Read(dialect, body, null);
                Assert.True(whole == Read(dialect, body, random), $"seed {Seed}, round {round}: {Encoding.Latin1.GetString(body)}");
                Assert.True(Encoding.UTF8.GetByteCount(whole.Text ?? "") <= 4 * BodyFieldScanner.MaxValueBytes);
            }

            agreed += Agrees(body) ? 1 : 0;
        }

        Assert.InRange(agreed, 500, 20_000);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 60);
    }

    // Where System.Text.Json reads a map with a model that is text, so does the scanner.
    private static bool Agrees(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("model", out var model) || model.ValueKind != JsonValueKind.String)
            {
                return false;
            }

            var expected = model.GetString()!;
            var (text, error) = Read(BbrDialect.Gaie15, body, null);
            if (error is null)
            {
                Assert.Equal(expected, text);
                return true;
            }

            Assert.True(error.Contains("control characters", StringComparison.Ordinal) || error.Contains("float64", StringComparison.Ordinal), error);
            return false;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static byte[] Mutated(Random random, byte[] input)
    {
        var bytes = new List<byte>(input);
        for (var n = random.Next(0, 5); n > 0; n--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)"{}[]:,\"\\0e-un "[random.Next(14)];
                    break;
                case 1:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 6), bytes.Count - at - 1));
                    break;
                default:
                    bytes.InsertRange(at, bytes.GetRange(0, random.Next(bytes.Count)));
                    break;
            }
        }

        return [.. bytes];
    }

    private static (string? Text, string? Error) Read(BbrDialect dialect, string body) => Read(dialect, Encoding.UTF8.GetBytes(body), null);

    private static (string? Text, string? Error) Read(BbrDialect dialect, ReadOnlySpan<byte> bytes, Random? splits)
    {
        var scanner = new BodyFieldScanner(dialect, Model);
        using var body = new BodyBuffer();
        Feed(scanner, body, bytes, splits);
        var ok = scanner.Complete(body);
        Assert.Equal(ok, scanner.Error is null);
        return ok ? (scanner.Has(0) ? Encoding.UTF8.GetString(scanner.Text(0)) : null, null) : (null, scanner.Error);
    }

    private static void Feed(BodyFieldScanner scanner, BodyBuffer body, ReadOnlySpan<byte> bytes, Random? splits)
    {
        while (!bytes.IsEmpty)
        {
            var n = splits is null ? bytes.Length : Math.Min(splits.Next(0, 9), bytes.Length);
            body.Append(bytes[..n]);
            scanner.Feed(bytes[..n]);
            bytes = bytes[n..];
        }
    }
}
