using System.Diagnostics;
using System.Text;
using Epp.Native.Chat;
using Epp.Native.Tests.Tokens;
using Epp.Native.Tokens;

namespace Epp.Native.Tests.Chat;

/// <summary>Hostile bodies through the whole way: ids or a reason, never an exception.</summary>
[Trait("Category", "Unit")]
public sealed class PromptFuzzTests
{
    private const int Seed = 8086;

    private const string Template =
        """
        {%- if tools %}{{ tools | tojson }}{% endif -%}
        {%- for m in messages -%}
        <{{ m.role }}>{% if m.content is string %}{{ m.content | trim }}{% else %}{% for p in m.content or [] %}{{ p.text }}{% endfor %}{% endif %}
        {%- for c in m.tool_calls or [] %}{{ c.function.name }}({% for k, v in c.function.arguments | items %}{{ k }}={{ v }},{% endfor %}){% endfor %}
        {%- endfor -%}
        {%- if add_generation_prompt %}<assistant>{% endif -%}
        """;

    [Fact]
    public void TryEncode_MutatedBodies_GiveIdsOrAReason()
    {
        var random = new Random(Seed);
        var tree = new JsonTree();
        var models = Enum.GetValues<ChatFlavour>().Select(Encoder).Select(static e => (Encoder: e, Scratch: e.CreateScratch())).ToArray();
        var bodies = ShapingCases.All.ToArray();
        var (encoded, watch) = (0, Stopwatch.StartNew());
        for (var round = 0; round < 20_000; round++)
        {
            var origin = bodies[random.Next(bodies.Length)];
            var body = ChatShaperFuzzTests.Mutate(Encoding.UTF8.GetBytes(origin.Body), tree, random);
            var (encoder, scratch) = models[random.Next(models.Length)];
            try
            {
                var isEncoded = encoder.TryEncode(body, origin.Endpoint, 0, scratch);
                encoded += isEncoded ? 1 : 0;
                Assert.Equal(isEncoded, scratch.Refusal == ShapeRefusal.None);
                Assert.Equal(isEncoded, scratch.RefusalDetail.Length == 0);
                for (var i = 0; i < scratch.PromptCount; i++)
                {
                    Assert.True(isEncoded && scratch.Ids(i).Length <= 4096);
                }
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {Seed}, round {round}, {origin.Endpoint}: {Encoding.Latin1.GetString(body)}: {e}");
            }
        }

        Assert.True(encoded > 2000, $"only {encoded} encoded: the mutations are too wild to test anything");
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 60);
    }

    private static PromptEncoder Encoder(ChatFlavour flavour)
    {
        var tokenizer = Tokenizer.Load(File.ReadAllBytes(Path.Combine(Repository.Tokenizers, "shapes", "roberta.tokenizer.json")), out _)!;
        var source = ChatTemplateSource.Read("{}"u8, Encoding.UTF8.GetBytes(Template), default, out _)!;
        return new PromptEncoder(ChatModel.Create(tokenizer, source, new ShapingProfile { Flavour = flavour, MaxModelTokens = 4096, TrustsRequestTemplate = true }, out _)!);
    }
}
