using System.Text;
using System.Text.Json;
using Epp.Native.Chat;
using Epp.Native.Tokens;
using Epp.Testing;
using Xunit.Abstractions;

namespace Epp.Native.Tests.Chat;

/// <summary>
/// Bytes that one request allocates on its way to ids once it was seen before: every recorded request under every recorded template.
/// </summary>
[Trait("Category", "Golden")]
public sealed class PromptAllocationTests(ITestOutputHelper output)
{
    private static Tokenizer Bytes { get; } = Tokenizer.Load(Encoding.UTF8.GetBytes(ByteTokenizer.Json()), out _)!;

    public static TheoryData<ChatFlavour> Flavours => [ChatFlavour.Vllm033, ChatFlavour.Vllm011, ChatFlavour.Dynamo12, ChatFlavour.Dynamo14, ChatFlavour.Dynamo16];

    [SkippableTheory]
    [MemberData(nameof(Flavours))]
    public void TryEncode_RecordedRequests_AllocateNothingInSteadyState(ChatFlavour flavour)
    {
        var templates = Path.Combine(Golden.Require(".."), "templates");
        var requests = Requests(flavour).ToList();
        var (encoded, refused, worst) = (0, 0, new List<string>());
        foreach (var file in Directory.GetFiles(templates, "*.jinja").Order(StringComparer.Ordinal))
        {
            var encoder = Load(file, flavour);
            if (encoder is null)
            {
                continue;
            }

            var scratch = encoder.CreateScratch();
            long most = 0;
            foreach (var (name, endpoint, body) in requests)
            {
                var bytes = Allocated(encoder, scratch, body, endpoint, out var isEncoded);
                _ = isEncoded ? encoded++ : refused++;
                most = Math.Max(most, isEncoded ? bytes : 0);
                if (bytes > 0)
                {
                    worst.Add($"{flavour} {Path.GetFileName(file)} {name}: {bytes} B{(isEncoded ? "" : " to refuse it: " + scratch.RefusalDetail)}");
                }
            }

            output.WriteLine($"{flavour} {Path.GetFileName(file)}: at most {most} B");
        }

        output.WriteLine($"{encoded} encoded, {refused} refused\n{string.Join('\n', worst)}");
        Assert.True(encoded > 100);
        Assert.True(worst.Count == 0, $"{worst.Count} of {encoded + refused} requests allocate\n{string.Join('\n', worst.Take(60))}");
    }

    private static long Allocated(PromptEncoder encoder, PromptScratch scratch, byte[] body, ChatEndpoint endpoint, out bool isEncoded)
    {
        isEncoded = false;
        var least = long.MaxValue;
        for (var i = 0; i < 4; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            isEncoded = encoder.TryEncode(body, endpoint, 1_700_000_000, scratch);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private static PromptEncoder? Load(string template, ChatFlavour flavour)
    {
        const string Config = """{"bos_token":"<s>","eos_token":"</s>","unk_token":"<unk>","pad_token":"<pad>"}""";
        var source = ChatTemplateSource.Read(Encoding.UTF8.GetBytes(Config), File.ReadAllBytes(template), default, out _);
        var model = ChatModel.Create(Bytes, source!, new ShapingProfile { Flavour = flavour }, out _);
        return model is null ? null : new PromptEncoder(model);
    }

    private static IEnumerable<(string Name, ChatEndpoint Endpoint, byte[] Body)> Requests(ChatFlavour flavour)
    {
        if (flavour is ChatFlavour.Vllm011 or ChatFlavour.Vllm033)
        {
            foreach (var file in Directory.GetFiles(Golden.Require("vllm-render"), "goldens-*.json"))
            {
                using var recording = RecordedJson.ReadFile(file);
                foreach (var endpoint in recording.RootElement.GetProperty("requests").EnumerateObject())
                {
                    foreach (var request in endpoint.Value.EnumerateObject())
                    {
                        yield return ($"{endpoint.Name}/{request.Name}", VllmShapingGoldenTests.EndpointOf(endpoint.Name), VllmShapingGoldenTests.BodyOf(request.Value));
                    }
                }
            }
        }
        else
        {
            foreach (var file in Directory.GetFiles(Golden.Require("dynamo-preprocess"), "requests*.json"))
            {
                using var recording = RecordedJson.ReadFile(file);
                foreach (var (section, endpoint) in new[] { ("chat", ChatEndpoint.Chat), ("completions", ChatEndpoint.Completions) })
                {
                    foreach (var request in recording.RootElement.GetProperty(section).EnumerateObject())
                    {
                        yield return ($"{section}/{request.Name}", endpoint, DynamoShapingGoldenTests.BodyOf(request.Value));
                    }
                }
            }
        }
    }
}
