using System.Text;
using BenchmarkDotNet.Attributes;
using Epp.Native.Templates;

namespace Epp.Bench.Templates;

/// <summary>A chat of 64 messages and 32 KB rendered by three shapes of template: a plain loop, tools with JSON, macros over parts.</summary>
public class ChatTemplateBench
{
    private const string Plain =
        "{{ bos_token }}{% for m in messages %}{{ '<|start|>' + m['role'] + '<|end|>\\n\\n' + m['content'] | trim + '<|stop|>' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|start|>assistant<|end|>\\n\\n' }}{% endif %}";

    private const string Tools =
        "{%- if tools %}{{- '<|im_start|>system\\n# Tools\\n' }}{% for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{% endfor %}{{- '<|im_end|>\\n' }}{% endif %}"
        + "{%- set ns = namespace(last=messages|length - 1, waits=true) %}{%- for message in messages[::-1] %}{%- set index = (messages|length - 1) - loop.index0 %}"
        + "{%- if ns.waits and message.role == 'user' and not message.content.startswith('<result>') %}{%- set ns.waits = false %}{%- set ns.last = index %}{% endif %}{% endfor %}"
        + "{%- for message in messages %}{%- if message.role == 'user' %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
        + "{%- else %}{%- set content = message.content %}{%- if '</think>' in content %}{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{% endif %}"
        + "{{- '<|im_start|>assistant\\n' + content }}{%- if message.tool_calls %}{{- message.tool_calls | tojson }}{% endif %}{{- '<|im_end|>\\n' }}{% endif %}{% endfor %}";

    private const string Macros =
        "{%- macro render(content) -%}{%- if content is string -%}{{ content | trim }}{%- else -%}{%- for item in content -%}{{ item['text'] | trim }}{%- endfor -%}{%- endif -%}{%- endmacro -%}"
        + "{%- for message in messages -%}{%- set role = {'assistant': 'model'}.get(message.role, message.role) -%}{{ '<turn>' ~ role ~ '\\n' ~ render(message.content) ~ '</turn>\\n' }}{%- endfor -%}";

    private readonly TemplateScratch _scratch = new();
    private readonly TemplateLimits _limits = TemplateLimits.Default;
    private ChatTemplate _plain = null!;
    private ChatTemplate _tools = null!;
    private ChatTemplate _macros = null!;
    private byte[] _context = [];

    [GlobalSetup]
    public void Setup()
    {
        _plain = Parse(Plain);
        _tools = Parse(Tools);
        _macros = Parse(Macros);
        const string Words = "The quick brown fox jumps over the lazy dog, and \\\"says\\\" so.\\n";
        var messages = Enumerable.Range(0, 64).Select(i =>
            $$"""{"role":"{{(i % 2 == 0 ? "user" : "assistant")}}","content":"{{string.Concat(Enumerable.Repeat(Words, 8))}}"}""");
        const string Tool = """{"type":"function","function":{"name":"weather","description":"The weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}""";
        _context = Encoding.UTF8.GetBytes(
            $$"""{"messages":[{{string.Join(',', messages)}}],"tools":[{{Tool}},{{Tool}}],"add_generation_prompt":true,"bos_token":"<s>"}""");
    }

    [Benchmark]
    public int Render_Plain_32KB() => Render(_plain);

    [Benchmark]
    public int Render_Tools_32KB() => Render(_tools);

    [Benchmark]
    public int Render_Macros_32KB() => Render(_macros);

    private int Render(ChatTemplate template)
    {
        var error = template.Render(_context, _scratch, 0, _limits);
        return error.Kind == TemplateErrorKind.None ? _scratch.Prompt.Length : throw new InvalidOperationException(error.Message);
    }

    private static ChatTemplate Parse(string source) =>
        ChatTemplate.TryParse(Encoding.UTF8.GetBytes(source), TemplateFlavour.Jinja2, out var template, out var error)
            ? template!
            : throw new InvalidOperationException(error.Message);
}
