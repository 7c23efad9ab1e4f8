using System.Text;
using Epp.Native.Requests;
using Epp.Testing;

namespace Epp.Native.Tests.Requests;

[Trait("Category", "Unit")]
public sealed class RequestScannerTests
{
    private const string Chat = """{"model":"m","messages":[{"role":"user","content":"hi"}],""";

    [Theory]
    [InlineData("", "unexpected end of JSON input")]
    [InlineData(" \n", "unexpected end of JSON input")]
    [InlineData("{\"model\":\"fake-model\",\"messages\":[", "unexpected end of JSON input")]
    [InlineData("no healthy upstream", "invalid character 'o' in literal null (expecting 'u')")]
    [InlineData("tru", "invalid character ' ' in literal true (expecting 'e')")]
    [InlineData("falze", "invalid character 'z' in literal false (expecting 's')")]
    [InlineData("\uFEFF{}", "invalid character 'ï' looking for beginning of value")]
    [InlineData("\u001f", "invalid character '\\x1f' looking for beginning of value")]
    [InlineData("\u007f", "invalid character '\\x7f' looking for beginning of value")]
    [InlineData("\a", "invalid character '\\a' looking for beginning of value")]
    [InlineData("'a'", "invalid character '\\'' looking for beginning of value")]
    [InlineData("\\", "invalid character '\\\\' looking for beginning of value")]
    [InlineData("{\"a\":1} xyz", "invalid character 'x' after top-level value")]
    [InlineData("{\"a\":1}{", "invalid character '{' after top-level value")]
    [InlineData("{a:1}", "invalid character 'a' looking for beginning of object key string")]
    [InlineData("{\"a\":1,}", "invalid character '}' looking for beginning of object key string")]
    [InlineData("{,}", "invalid character ',' looking for beginning of object key string")]
    [InlineData("{\"a\" 1}", "invalid character '1' after object key")]
    [InlineData("{\"a\":1 \"b\":2}", "invalid character '\"' after object key:value pair")]
    [InlineData("{\"a\":01}", "invalid character '1' after object key:value pair")]
    [InlineData("{\"a\":}", "invalid character '}' looking for beginning of value")]
    [InlineData("[1 2]", "invalid character '2' after array element")]
    [InlineData("[1,]", "invalid character ']' looking for beginning of value")]
    [InlineData("{\"a\":-}", "invalid character '}' in numeric literal")]
    [InlineData("-", "invalid character ' ' in numeric literal")]
    [InlineData("{\"a\":1.}", "invalid character '}' after decimal point in numeric literal")]
    [InlineData("{\"a\":1e}", "invalid character '}' in exponent of numeric literal")]
    [InlineData("{\"a\":1e+x}", "invalid character 'x' in exponent of numeric literal")]
    [InlineData("{\"a\":\"\n\"}", "invalid character '\\n' in string literal")]
    [InlineData("{\"a\":\"\\x\"}", "invalid character 'x' in string escape code")]
    [InlineData("{\"a\":\"\\u12g4\"}", "invalid character 'g' in \\u hexadecimal character escape")]
    [InlineData("\"\\", "invalid character ' ' in string escape code")]
    [InlineData("[1,2,3]", "json: cannot unmarshal array into Go value of type map[string]interface {}")]
    [InlineData("42", "json: cannot unmarshal number into Go value of type map[string]interface {}")]
    [InlineData("\"x\"", "json: cannot unmarshal string into Go value of type map[string]interface {}")]
    [InlineData("true", "json: cannot unmarshal bool into Go value of type map[string]interface {}")]
    [InlineData("{\"a\":1e999}", "json: cannot unmarshal number 1e999 into Go value of type float64")]
    public void Complete_BadJson_SaysWhatGoSays(string body, string error)
    {
        var scanner = Scan.Of(body);
        Assert.Equal(RequestError.InvalidJson, scanner.Error);
        Assert.Equal("error unmarshaling request bodyMap: " + error, scanner.ErrorMessage);
    }

    [Fact]
    public void Complete_HighByte_PrintsItsCodePoint()
    {
        Assert.EndsWith("invalid character '\\u0080' looking for beginning of value", Scan.Of([0x80], RequestApi.Completions).ErrorMessage, StringComparison.Ordinal);
        Assert.EndsWith("invalid character 'ÿ' looking for beginning of value", Scan.Of([0xFF], RequestApi.Completions).ErrorMessage, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void Complete_Nesting_IsLimited(int depth, bool accepted)
    {
        var inner = depth - 1;
        var scanner = Scan.Of(Chat + "\"x\":" + new string('[', inner) + new string(']', inner) + "}");
        Assert.Equal(accepted, scanner.Error == RequestError.None);
        Assert.True(accepted || scanner.ErrorMessage == "error unmarshaling request bodyMap: exceeded max depth", scanner.ErrorMessage);
    }

    [Theory]
    [InlineData(RequestApi.ChatCompletions, "null")]
    [InlineData(RequestApi.ChatCompletions, "{}")]
    [InlineData(RequestApi.ChatCompletions, """{"model":"m"}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[]}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":null}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":"hi"}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":["hi"]}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[{"content":5}]}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[{"role":5}]}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[{"content":["a"]}]}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[{"content":[{"text":1}]}]}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[{"content":[{"image_url":"x"}]}]}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[{}],"messages":[]}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":5,"messages":[{}]}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[{}],"tools":{}}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[{}],"cache_salt":1}""")]
    [InlineData(RequestApi.Completions, """{"model":"m"}""")]
    [InlineData(RequestApi.Completions, """{"prompt":""}""")]
    [InlineData(RequestApi.Completions, """{"prompt":[]}""")]
    [InlineData(RequestApi.Completions, """{"prompt":null}""")]
    [InlineData(RequestApi.Completions, """{"prompt":["a",1]}""")]
    [InlineData(RequestApi.Completions, """{"prompt":[1,"a"]}""")]
    [InlineData(RequestApi.Completions, """{"prompt":[1.5]}""")]
    [InlineData(RequestApi.Completions, """{"prompt":[-1]}""")]
    [InlineData(RequestApi.Completions, """{"prompt":[4294967296]}""")]
    [InlineData(RequestApi.Completions, """{"prompt":[[1]]}""")]
    [InlineData(RequestApi.Embeddings, """{"input":{}}""")]
    [InlineData(RequestApi.Embeddings, """{"prompt":"x"}""")]
    [InlineData(RequestApi.Responses, """{"input":null}""")]
    [InlineData(RequestApi.Responses, """{}""")]
    [InlineData(RequestApi.Conversations, """{"items":[]}""")]
    [InlineData(RequestApi.Conversations, """{"items":[1]}""")]
    [InlineData(RequestApi.ImagesGenerations, """{"prompt":""}""")]
    [InlineData(RequestApi.ImagesGenerations, """{"prompt":["x"]}""")]
    public void Complete_RequiredFieldWrong_SaysWhichApiAndField(RequestApi api, string body)
    {
        var scanner = Scan.Of(body, api);
        Assert.Equal(RequestError.InvalidRequest, scanner.Error);
        Assert.Equal(
            api switch
            {
                RequestApi.ChatCompletions => "invalid chat completions request: must have valid messages field",
                RequestApi.Completions => "invalid completions request: must have prompt field",
                RequestApi.Embeddings => "invalid embeddings request: must have input field",
                RequestApi.Responses => "invalid responses request: must have input field",
                RequestApi.Conversations => "invalid conversations request: must have items field",
                _ => "invalid images generations request: must have prompt field",
            },
            scanner.ErrorMessage);
    }

    [Theory]
    [InlineData(RequestApi.AnthropicMessages, "{", "error unmarshaling request body: unexpected end of JSON input")]
    [InlineData(RequestApi.AnthropicMessages, "{}", "invalid messages request: must have at least one message")]
    [InlineData(RequestApi.VllmGenerate, """{"token_ids":[]}""", "invalid generate request: must have non-empty token_ids field")]
    [InlineData(RequestApi.VllmGenerate, """{"token_ids":[1,-2]}""", "invalid generate request: token_ids[1]: invalid value -2")]
    [InlineData(RequestApi.SglangGenerate, """{"text":"x"}""", "invalid generate request: input_ids must be provided")]
    [InlineData(RequestApi.SglangGenerate, """{"input_ids":"x"}""", "invalid generate request: input_ids must be an array of uint32 integers")]
    [InlineData(RequestApi.SglangGenerate, """{"input_ids":[1.0]}""", "invalid generate request: input_ids must be an array of uint32 integers")]
    [InlineData(RequestApi.SglangGenerate, """{"input_ids":[]}""", "invalid generate request: input_ids cannot be empty")]
    [InlineData(RequestApi.SglangGenerate, """{"input_ids":[1],"extra_key":1}""", "unsupported generate request: extra_key must be a string")]
    [InlineData(RequestApi.SglangGenerate, """{"input_ids":[1],"stream":"true"}""", "invalid generate request: json: cannot unmarshal string into Go struct field sgLangGenerateWire.stream of type bool")]
    [InlineData(RequestApi.GaieAny, "[1]", "Error unmarshaling request body")]
    [InlineData(RequestApi.GaieAny, "null", "model not found in request body")]
    [InlineData(RequestApi.GaieAny, """{"model":7,"messages":[{}]}""", "model not found in request body")]
    [InlineData(RequestApi.GaieAny, """{"model":"m","messages":"hi"}""", "failed to extract request data: inference gateway: BadRequest - invalid request format")]
    [InlineData(RequestApi.GaieAny, """{"model":"m","prompt":["a",1]}""", "failed to extract request data: inference gateway: BadRequest - invalid chat-completions request: inference gateway: BadRequest - chat-completions request must have at least one message")]
    public void Complete_OtherApis_SayTheirOwnText(RequestApi api, string body, string message)
    {
        Assert.Equal(message, Scan.Of(body, api).ErrorMessage);
    }

    [Theory]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"a"}]}]}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[null],"stream":"true"}""")]
    [InlineData(RequestApi.ChatCompletions, """{"messages":[{"content":[{"type":"input_audio","input_audio":{"data":"x","format":"wav"}}]}]}""")]
    [InlineData(RequestApi.Completions, """{"prompt":"x"}""")]
    [InlineData(RequestApi.Completions, """{"prompt":["",""]}""")]
    [InlineData(RequestApi.Completions, """{"prompt":[1,2.0,3e0,4294967295]}""")]
    [InlineData(RequestApi.Embeddings, """{"input":["x"]}""")]
    [InlineData(RequestApi.Responses, """{"input":[]}""")]
    [InlineData(RequestApi.Conversations, """{"items":[{"type":"message","role":"user","content":{"a":1}}]}""")]
    [InlineData(RequestApi.ImagesGenerations, """{"prompt":"x","n":1}""")]
    [InlineData(RequestApi.AnthropicMessages, """{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"system":"s"}""")]
    [InlineData(RequestApi.AnthropicCountTokens, "not JSON at all")]
    [InlineData(RequestApi.Passthrough, "{{{")]
    [InlineData(RequestApi.VllmGenerate, """{"token_ids":[1,2]}""")]
    [InlineData(RequestApi.SglangGenerate, """{"input_ids":[1,2],"x":1e999}""")]
    [InlineData(RequestApi.GaieAny, """{"model":"","prompt":"x"}""")]
    [InlineData(RequestApi.GaieAny, """{"model":"m","prompt":5,"messages":[{"role":"user","content":"x"}]}""")]
    public void Complete_ValidBody_IsAccepted(RequestApi api, string body)
    {
        Assert.Null(Scan.Of(body, api).ErrorMessage);
    }

    [Fact]
    public void Model_EscapedKeyAndValue_AreUnescaped()
    {
        var body = """{"mo\u0064el" : "a\/b\n\u00e9\ud83d\ude00\ud800x","messages":[{}]}""";
        var scanner = Scan.Of(body);
        Assert.Equal("a/b\né😀\uFFFDx", Encoding.UTF8.GetString(scanner.Model));
        Assert.True(scanner.HasModel);
        Assert.Equal("\"a\\/b\\n\\u00e9\\ud83d\\ude00\\ud800x\"", body.Substring(scanner.ModelValueStart, scanner.ModelValueLength));
    }

    [Theory]
    [InlineData("""{"messages":[{}]}""", false, -1, 0)]
    [InlineData("""{"model":null,"messages":[{}]}""", false, 9, 4)]
    [InlineData("""{"model":7,"messages":[{}]}""", false, 9, 1)]
    [InlineData("""{"model":"","messages":[{}]}""", false, 9, 2)]
    [InlineData("""{"model":["x"],"messages":[{}]}""", false, 9, 5)]
    [InlineData("""{"model":"a","messages":[{}],"model" :  "bc"}""", true, 40, 4)]
    [InlineData("""{"model":"a","messages":[{}],"model":1}""", false, 37, 1)]
    [InlineData("""{"x":{"model":"deep"},"messages":[{"model":"m"}]}""", false, -1, 0)]
    [InlineData("""{"Model":"case","messages":[{}]}""", false, -1, 0)]
    public void Model_TypeAndDuplicates_LastWins(string body, bool has, int start, int length)
    {
        var scanner = Scan.Of(body);
        Assert.Equal((has, start, length), (scanner.HasModel, scanner.ModelValueStart, scanner.ModelValueLength));
    }

    [Theory]
    [InlineData("  {}", 3, true)]
    [InlineData("{ }", 1, true)]
    [InlineData("{\"a\":{}}", 1, false)]
    [InlineData("null", -1, false)]
    public void InsertModelAt_IsBehindTheFirstBrace(string body, int at, bool empty)
    {
        var scanner = Scan.Of(body);
        Assert.Equal((at, empty), (scanner.InsertModelAt, scanner.IsEmptyMap));
    }

    [Theory]
    [InlineData("\"stream\":true}", true)]
    [InlineData("\"stream\":\"true\"}", false)]
    [InlineData("\"stream\":1}", false)]
    [InlineData("\"stream\":true,\"stream\":false}", false)]
    [InlineData("\"stream\":true,\"stream\":\"true\"}", false)]
    [InlineData("\"x\":{\"stream\":true}}", false)]
    public void Stream_OnlyTrueCounts(string tail, bool expected)
    {
        Assert.Equal(expected, Scan.Of(Chat + tail).Stream);
    }

    [Theory]
    [InlineData("\"max_tokens\":5}", 5)]
    [InlineData("\"max_tokens\":5,\"max_completion_tokens\":7}", 7)]
    [InlineData("\"max_completion_tokens\":7,\"max_tokens\":5}", 7)]
    [InlineData("\"max_completion_tokens\":null,\"max_tokens\":5}", 5)]
    [InlineData("\"max_tokens\":5,\"max_tokens\":null}", -1)]
    [InlineData("\"max_tokens\":1e2}", 100)]
    [InlineData("\"max_tokens\":\"5\"}", -1)]
    [InlineData("\"max_tokens\":-5}", -1)]
    [InlineData("\"a\":1}", -1)]
    public void MaxOutputTokens_Chat_PrefersCompletionTokens(string tail, long expected)
    {
        Assert.Equal(expected, Scan.Of(Chat + tail).MaxOutputTokens);
    }

    [Theory]
    [InlineData(RequestApi.VllmGenerate, """{"token_ids":[1],"sampling_params":{"max_tokens":9}}""", 9)]
    [InlineData(RequestApi.SglangGenerate, """{"input_ids":[1],"sampling_params":{"max_new_tokens":8}}""", 8)]
    [InlineData(RequestApi.Responses, """{"input":"x","max_output_tokens":3,"max_tokens":4}""", 3)]
    [InlineData(RequestApi.AnthropicMessages, """{"messages":[{}],"max_tokens":4}""", 4)]
    [InlineData(RequestApi.Completions, """{"prompt":"x","max_tokens":4,"max_completion_tokens":9}""", 4)]
    public void MaxOutputTokens_OtherApis_HaveTheirOwnField(RequestApi api, string body, long expected)
    {
        Assert.Equal(expected, Scan.Of(body, api).MaxOutputTokens);
    }

    [Fact]
    public void CacheSalt_SglangExtraKey_IsTheSalt()
    {
        Assert.Equal("k\n"u8, Scan.Of("""{"input_ids":[1],"extra_key":"k\n"}""", RequestApi.SglangGenerate).CacheSalt);
        Assert.Equal("s1"u8, Scan.Of(Chat + "\"cache_salt\":\"s1\"}").CacheSalt);
    }

    [Theory]
    [InlineData("""{"prompt":[1,2]}""", true)]
    [InlineData("""{"prompt":["1"]}""", false)]
    [InlineData("""{"prompt":[1,2],"prompt":"x"}""", false)]
    public void HasPromptTokenIds_Completions_OnlyNumbers(string body, bool expected)
    {
        Assert.Equal(expected, Scan.Of(body, RequestApi.Completions).HasPromptTokenIds);
    }

    [Fact]
    public void Feed_TextContentAfterWarmUp_AllocatesNothing()
    {
        var body = Encoding.UTF8.GetBytes(Chat + "\"x\":[1,2.5,{\"a\":\"\\u00e9\"}],\"stream\":true,\"cache_salt\":\"abc\"}");
        var scanner = new RequestScanner();
        Scan.Into(scanner, body, RequestApi.ChatCompletions);
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                Assert.True(Scan.Into(scanner, body, RequestApi.ChatCompletions));
            }
        }));
    }
}
