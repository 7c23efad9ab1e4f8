using System.Text;
using System.Text.Json;
using Epp.Native.Chat;
using Epp.Native.Tokens;
using Epp.Testing;

namespace Epp.Native.Tests.Chat;

/// <summary>
/// What Dynamo's frontend made of model folders in each form. The recording holds the outcomes and describes the folders; they are written
/// here after its description.
/// </summary>
[Trait("Category", "Golden")]
public sealed class LoaderGoldenTests
{
    private const string First = "{{ messages[0].content }}";
    private const string Each = "{% for m in messages %}{{ m.content }}{% endfor %}";
    private const string Think = "{{ enable_thinking if enable_thinking is defined else 'U' }} {{ thinking if thinking is defined else 'U' }} "
        + "{{ thinking_mode if thinking_mode is defined else 'U' }} {{ reasoning_effort if reasoning_effort is defined else 'U' }}";

    private const string Defined = "{{ documents is defined }} {{ tool_choice is defined }} {{ pad_token is defined }} {{ unk_token is defined }} "
        + "{{ sep_token is defined }} {{ unk_token }} {{ date_string is defined }}";

    /// <summary>tokenizer_config.json, chat_template.jinja, chat_template.json by the name of the folder.</summary>
    private static readonly Dictionary<string, (string Config, string Jinja, string Json)> Folders = new()
    {
        ["l-array"] = Of("{% for m in messages %}{% if m.content is not string %}{{ m.content | tojson }}{% endif %}{% endfor %}"),
        ["l-array-both"] = Of("{% for m in messages %}{% if m.content is string %}S{{ m.content }}{% else %}{% for p in m.content %}L{{ p.text }}{% endfor %}{% endif %}{% endfor %}"),
        ["l-bos-null"] = Of("[{{ bos_token }}|{{ bos_token is none }}]" + First, "\"bos_token\":null"),
        ["l-bos-object"] = Of("[{{ bos_token }}]" + First, """
            "bos_token":{"__type":"AddedToken","content":"<B>","lstrip":false}
            """),
        ["l-bosdup"] = Of("{{ bos_token }}" + First, "\"bos_token\":\"<|begin_of_text|>\""),
        ["l-extra-vars"] = Of(Defined, """
            "unk_token":"<unk>","pad_token":"<pad>","sep_token":"<sep>"
            """),
        ["l-file-jinja"] = (Config("CONFIG"), "FILE " + First, ""),
        ["l-file-json"] = (Config("CONFIG"), "", $$"""{"chat_template":"JSONFILE {{First}}"}"""),
        ["l-gen-in-name"] = Of(First + "{% if add_generation_prompt %}GEN{% endif %}"),
        ["l-generation"] = Of("{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}!"),
        ["l-generation-dash"] = Of("{% for m in messages %}{%- generation -%}{{ m.content }}{%- endgeneration -%}{% endfor %}!"),
        ["l-list-hf"] = ($$"""{"chat_template":[{"name":"default","template":"DEF {{First}}"},{"name":"tool_use","template":"TOOL {{First}}"}]}""", "", ""),
        ["l-list-map"] = ($$"""{"chat_template":[{"default":"DEF {{First}}"},{"tool_use":"TOOL {{First}}"}]}""", "", ""),
        ["l-list-only-default"] = ($$"""{"chat_template":[{"name":"default","template":"DEF {{First}}"}]}""", "", ""),
        ["l-no-template"] = ("{}", "", ""),
        ["l-syntax-error"] = Of("{% if %}"),
        ["l-think-vars"] = Of(Think),
        ["l-trailing-nl"] = (Config("x"), First + "\n", ""),
        ["l-trailing-nl2"] = (Config("x"), First + "\n\n", ""),
    };

    private static readonly Dictionary<string, string> Requests = new()
    {
        ["plain"] = Hi(""),
        ["tools"] = Hi(""","tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}}}}]"""),
        ["parts"] = """{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"p1"},{"type":"text","text":"p2"}]},{"role":"user","content":"plain"}]}""",
        ["effort_none"] = Hi(",\"reasoning_effort\":\"none\""),
        ["effort_minimal"] = Hi(",\"reasoning_effort\":\"minimal\""),
        ["effort_low"] = Hi(",\"reasoning_effort\":\"low\""),
        ["effort_high"] = Hi(",\"reasoning_effort\":\"high\""),
        ["effort_xhigh"] = Hi(",\"reasoning_effort\":\"xhigh\""),
        ["kw_think_true"] = Hi(",\"chat_template_kwargs\":{\"enable_thinking\":true}"),
        ["kw_think_false"] = Hi(",\"chat_template_kwargs\":{\"enable_thinking\":false}"),
        ["kw_thinking_false"] = Hi(",\"chat_template_kwargs\":{\"thinking\":false}"),
        ["kw_mode"] = Hi(",\"chat_template_kwargs\":{\"thinking_mode\":\"chat\"}"),
        ["kw_effort"] = Hi(",\"chat_template_kwargs\":{\"reasoning_effort\":\"low\"}"),
        ["both"] = Hi(",\"reasoning_effort\":\"high\",\"chat_template_kwargs\":{\"enable_thinking\":false,\"reasoning_effort\":\"low\"}"),
        ["kw_str"] = Hi(",\"chat_template_kwargs\":{\"enable_thinking\":\"false\"}"),
    };

    private static Tokenizer Bytes { get; } = Tokenizer.Load(Encoding.UTF8.GetBytes(ByteTokenizer.Json()), out _)!;

    [SkippableFact]
    public void Folders_InEveryForm_RenderAsDynamo()
    {
        var failures = new List<string>();
        var compared = 0;
        foreach (var file in Directory.GetFiles(Golden.Require("dynamo-preprocess"), "loader*.json"))
        {
            using var recorded = RecordedJson.ReadFile(file);
            foreach (var version in recorded.RootElement.EnumerateObject())
            {
                var flavour = DynamoShapingGoldenTests.FlavourOf("loader-" + version.Name);
                foreach (var folder in version.Value.EnumerateObject().Where(static f => Folders.ContainsKey(f.Name)))
                {
                    Compare(Load(folder.Name, flavour), folder.Value, $"{version.Name} {folder.Name}", failures, ref compared);
                }
            }
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(compared > 150, $"only {compared} outcomes were compared");
    }

    /// <summary>The ids of a frontend whose first segment is like the others' are not the library's; ours are.</summary>
    [SkippableFact]
    public void Metaspace_PromptsWithSpecialTokens_HaveTheLibrarysIds()
    {
        var compared = 0;
        foreach (var file in Directory.GetFiles(Golden.Require("dynamo-preprocess"), "tokenizer-*.json"))
        {
            using var recorded = RecordedJson.ReadFile(file);
            var model = Path.Combine(Golden.Folder!, "..", "tokenizers", recorded.RootElement.GetProperty("tokenizer").GetString()!, "tokenizer.json");
            var tokenizer = Tokenizer.Load(File.ReadAllBytes(model), out var error);
            Assert.True(tokenizer is not null, error);
            var encoder = new PromptEncoder(ChatModel.Create(tokenizer!, ChatTemplateSource.Read("{}"u8, default, default, out _)!, new ShapingProfile { Flavour = ChatFlavour.Dynamo16 }, out _)!);
            var scratch = encoder.CreateScratch();
            foreach (var row in recorded.RootElement.GetProperty("rows").EnumerateArray().Where(static r => r.GetProperty("hf_ids").ValueKind == JsonValueKind.Array))
            {
                var body = Encoding.UTF8.GetBytes($$"""{"model":"m","prompt":{{row.GetProperty("prompt").GetRawText()}}}""");
                Assert.True(encoder.TryEncode(body, ChatEndpoint.Completions, 0, scratch), scratch.RefusalDetail);
                Assert.Equal(row.GetProperty("hf_ids").EnumerateArray().Select(static i => i.GetUInt32()), scratch.Ids(0).ToArray());
                compared++;
            }
        }

        Assert.True(compared > 0);
    }

    private static (string Config, string Jinja, string Json) Of(string template, string tokens = "\"eos_token\":\"</s>\"") => (Config(template, tokens), "", "");

    private static string Config(string template, string tokens = "\"eos_token\":\"</s>\"") => $$"""{"chat_template":{{JsonSerializer.Serialize(template)}},{{tokens}}}""";

    private static string Hi(string more) => "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]" + more + "}";

    private static PromptEncoder? Load(string folder, ChatFlavour flavour)
    {
        var (config, jinja, json) = Folders[folder];
        var source = ChatTemplateSource.Read(Encoding.UTF8.GetBytes(config), Encoding.UTF8.GetBytes(jinja), Encoding.UTF8.GetBytes(json), out var error);
        Assert.True(source is not null, error);
        var model = ChatModel.Create(Bytes, source!, new ShapingProfile { Flavour = flavour }, out _);
        return model is null ? null : new PromptEncoder(model);
    }

    private static void Compare(PromptEncoder? encoder, JsonElement folder, string name, List<string> failures, ref int compared)
    {
        // A model that is not served needs no ids: whether ours fails to load or refuses each chat is the same.
        var isServed = !folder.TryGetProperty("error", out _);
        foreach (var (request, body) in Requests)
        {
            JsonElement outcome = default;
            if (isServed && !folder.TryGetProperty(request, out outcome))
            {
                continue;
            }

            compared++;
            var scratch = encoder?.CreateScratch();
            var isEncoded = encoder is not null && encoder.TryEncode(Encoding.UTF8.GetBytes(body), ChatEndpoint.Chat, 0, scratch!);
            var ours = isEncoded ? Encoding.UTF8.GetString(scratch!.Prompt) : null;
            var expected = isServed && outcome.TryGetProperty("prompt", out var prompt) ? prompt.GetString() : null;

            // What the frontend fails to render after it loaded the file, we may render.
            if (ours != expected && !(isServed && expected is null))
            {
                failures.Add($"{name} {request}: expected {expected ?? "nothing"}, ours {ours ?? "nothing: " + scratch?.RefusalDetail}");
            }
        }
    }
}
