using System.Text;
using System.Text.Json;
using Epp.Native.Requests;
using Epp.Testing;

namespace Epp.Native.Tests.Requests;

/// <summary>Every recorded request with its body: refused with the recorded text, or accepted.</summary>
[Trait("Category", "Golden")]
public sealed class TranscriptGoldenTests
{
    [SkippableTheory]
    [InlineData("../transcripts", Dialect.LlmD, "inference error: BadRequest - ")]
    [InlineData("../transcripts-kube/llmd", Dialect.LlmD, "inference error: BadRequest - ")]
    [InlineData("../transcripts-kube/gaie", Dialect.Gaie, "inference gateway: BadRequest - ")]
    public void Complete_RecordedRequests_AnswerAsRecorded(string folder, Dialect dialect, string prefix)
    {
        var checkedRequests = 0;
        foreach (var file in Directory.EnumerateFiles(Golden.Require(folder), "*.jsonl"))
        {
            var requests = new Dictionary<int, JsonElement>();
            foreach (var line in File.ReadLines(file).Where(l => l.Contains("\"type\":\"client_re", StringComparison.Ordinal)))
            {
                var item = JsonSerializer.Deserialize<JsonElement>(line);
                var n = item.TryGetProperty("n", out var number) ? number.GetInt32() : 0;
                if (item.GetProperty("type").GetString() == "client_request")
                {
                    requests[n] = item;
                }
                else if (requests.TryGetValue(n, out var request))
                {
                    checkedRequests += Check(Path.GetFileName(file), dialect, prefix, request, item);
                }
            }
        }

        Assert.True(checkedRequests > 0, $"{folder} holds no request with a body");
    }

    private static int Check(string file, Dialect dialect, string prefix, JsonElement request, JsonElement response)
    {
        if (Body(request) is not { } body || !response.TryGetProperty("status", out var status) || status.ValueKind != JsonValueKind.Number)
        {
            return 0;
        }

        var answer = response.TryGetProperty("body", out var b) && b.TryGetProperty("text", out var t) ? t.GetString()! : "";
        var refused = answer.StartsWith(prefix, StringComparison.Ordinal);
        if (!refused && status.GetInt32() != 200)
        {
            return 0;
        }

        var scanner = new RequestScanner();
        var accepted = Scan.Into(scanner, body, RequestPaths.Resolve(Encoding.UTF8.GetBytes(request.GetProperty("path").GetString()!), dialect));
        var message = accepted && scanner.CanRewriteModel && !scanner.HasModel && dialect == Dialect.LlmD ? "model not found in request body" : scanner.ErrorMessage;
        if (refused)
        {
            Assert.True(answer == prefix + message, $"{file}: recorded \"{answer}\", got \"{message}\"");
        }
        else if (!HasRewriteHeader(request))
        {
            Assert.True(message is null, $"{file}: recorded 200, got \"{message}\"");
        }

        return 1;
    }

    private static bool HasRewriteHeader(JsonElement request) => request.GetRawText().Contains("model-name-rewrite", StringComparison.Ordinal);

    private static byte[]? Body(JsonElement request)
    {
        if (!request.TryGetProperty("body", out var body) || body.ValueKind != JsonValueKind.Object
            || !request.TryGetProperty("path", out var path) || path.ValueKind != JsonValueKind.String
            || request.GetProperty("method").GetString() != "POST")
        {
            return null;
        }

        var bytes = body.TryGetProperty("b64", out var encoded) ? Convert.FromBase64String(encoded.GetString()!)
            : body.TryGetProperty("text", out var text) ? Encoding.UTF8.GetBytes(text.GetString()!)
            : null;
        return bytes?.Length == body.GetProperty("len").GetInt32() ? bytes : null;
    }
}
